"""Great numbers of things, for lists: copied in the database from one that was really made.

Lists, their pages and filters treat the copies like any other. What is behind them is missing: a copied server runs on
no host, and a copied snapshot or image has no data.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from .database import Database

HASH: Final = "md5(concat({column}, number.seq))"
UUID: Final = (
    f"concat(left({HASH}, 8), '-', mid({HASH}, 9, 4), '-4', mid({HASH}, 14, 3), '-8', mid({HASH}, 18, 3), '-', "
    f"mid({HASH}, 21, 12))"
)
"""Another id for each copy, the same one wherever the original has the same."""
NAME: Final = "concat({column}, '-', number.seq)"


@dataclass(frozen=True, slots=True)
class _Table:
    database: str
    name: str
    key: str
    """The column that says which rows belong to the original."""
    changed: dict[str, str]
    """What is different in a copy: SQL, with the column's name filled in."""


_IDS: Final = {"instance_uuid": UUID}
SERVER: Final = (
    _Table("nova", "instances", "uuid", {"uuid": UUID, "display_name": NAME, "hostname": NAME}),
    _Table("nova", "instance_extra", "instance_uuid", _IDS),
    _Table("nova", "instance_info_caches", "instance_uuid", _IDS),
    _Table("nova", "instance_system_metadata", "instance_uuid", _IDS),
    _Table("nova", "block_device_mapping", "instance_uuid", _IDS | {"uuid": UUID}),
    _Table("nova_api", "instance_mappings", "instance_uuid", _IDS),
)
VOLUME_SNAPSHOT: Final = (
    _Table("cinder", "snapshots", "id", {"id": UUID, "display_name": NAME}),
    _Table("cinder", "snapshot_metadata", "snapshot_id", {"snapshot_id": UUID}),
)
IMAGE: Final = (
    _Table("glance", "images", "id", {"id": UUID, "name": NAME}),
    _Table("glance", "image_properties", "image_id", {"image_id": UUID}),
    _Table("glance", "image_tags", "image_id", {"image_id": UUID}),
)


def multiply(database: Database, tables: tuple[_Table, ...], original: str, count: int) -> None:
    """`count` copies of the original, by its id."""
    for table in tables:
        columns = _columns(database, table)
        values = [table.changed.get(column, "{column}").format(column=f"original.`{column}`") for column in columns]
        names = ", ".join(f"`{column}`" for column in columns)
        database.sql(
            f"insert into {table.name} ({names}) select {', '.join(values)} "
            f"from {table.name} original cross join seq_1_to_{count} number where original.{table.key} = '{original}'",
            database=table.database,
        )


def _columns(database: Database, table: _Table) -> list[str]:
    """All but those that number themselves."""
    return database.sql(
        "select column_name from information_schema.columns "
        f"where table_schema = '{table.database}' and table_name = '{table.name}' and extra = ''",
    ).split()
