"""The few errors that a platform may raise, whatever library it speaks through."""


class VmsnapError(Exception):
    """Something that could not be done.

    `words` are the platform's own, `hint` says what the user can do next.
    """

    kind = "error"

    def __init__(self, words: str, hint: str = "") -> None:
        super().__init__(words)
        self.words = words
        self.hint = hint

    def __str__(self) -> str:
        return f"{self.words} — {self.hint}" if self.hint else self.words


class Unreachable(VmsnapError):
    """The site does not answer: no daemon, no network, no library, a connection that broke."""

    kind = "unreachable"


class Denied(VmsnapError):
    """The site answers and says no: permissions, policy, read-only mode."""

    kind = "denied"


class Missing(VmsnapError):
    """The vm, snapshot or file is not there (any more)."""

    kind = "missing"


class Conflict(VmsnapError):
    """The world is not as the plan believed: it moved, or something else is at work."""

    kind = "conflict"


class Unsupported(VmsnapError):
    """This platform, version or vm cannot do that."""

    kind = "unsupported"


class Failed(VmsnapError):
    """It was tried and went wrong."""

    kind = "failed"


class Cancelled(VmsnapError):
    """It was stopped because somebody asked for that."""

    kind = "cancelled"
