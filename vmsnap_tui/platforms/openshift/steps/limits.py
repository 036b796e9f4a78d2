"""How long things are waited for, in seconds."""

FIRST_PAUSE, LONGEST_PAUSE = 0.2, 2.0
"""Between two looks: it starts quick and calms down."""
SILENCE = 180.0
"""The cluster may be away."""
STARTS = 180.0
"""A vm should be running, once it is started."""
FREEZES = 30.0
"""A guest should be seen frozen, once it is asked to."""
THAWS_ITSELF = 15.0
"""The cluster thaws a guest that it has frozen itself."""
THAWS = 60.0
"""A guest should be seen thawed, once it is asked to."""
TAKEN_BACK = 60.0
"""What was made, and is not to be, should be gone."""
DELETED = 300.0
"""A record should be gone."""
FOLLOWS = 60.0
"""The storage's snapshots should follow it."""
TROUBLE = 180.0
"""The cluster or the storage may say that something is wrong, and try again by itself."""
CHANGES = 60.0
"""A vm, which others change too, should be changed."""
