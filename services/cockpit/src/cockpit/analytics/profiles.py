"""How the tables are laid out: on one node (chDB or a server), or on a cluster. Pure.

Both profiles have the same tables with the same columns, keys and partitions, and the same names in queries.
On a cluster, a table of facts is one replicated table on each node (`award_facts_local`) and a distributed
one above all of them (`award_facts`), which queries and inserts name. A table that is `everywhere` has all
nodes as replicas, so that a query on a shard finds it whole beside its facts.

The cluster needs `remote_servers` with `internal_replication`, the macros `{shard}` and `{replica}`, and a
Keeper (docs/operators.md).
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Protocol

from cockpit.analytics.tables import EVERYWHERE, SHARDED_BY, AddColumns, AddIndex, Change, Table

LOCAL = "_local"
"""What the name of a replicated table has in addition to that of the distributed one."""


class Profile(Protocol):
    """Turns changes of tables into statements."""

    @property
    def settings(self) -> Mapping[str, str | int]:
        """Settings of every session."""

    def create_database(self) -> str:
        """Return the statement that creates the database."""

    def statements(self, change: Change) -> list[str]:
        """Return the statements of a change, each repeatable."""

    def delete(self, table: str, condition: str) -> str:
        """Return the statement that deletes rows of a table."""


@dataclass(frozen=True)
class OneNode:
    """Every table on the one node that there is."""

    database: str
    settings: Mapping[str, str | int] = field(default_factory=dict)

    def create_database(self) -> str:
        """Return the statement that creates the database."""
        return f"CREATE DATABASE IF NOT EXISTS `{self.database}`"

    def statements(self, change: Change) -> list[str]:
        """Return the statements of a change."""
        if isinstance(change, AddIndex):
            return _index(change.table, "", change)
        if isinstance(change, AddColumns):
            return [_alter(change.table, "", change)]
        return [_create(change, change.name, "", "MergeTree")]

    def delete(self, table: str, condition: str) -> str:
        """Return the statement that deletes rows of a table."""
        return f"DELETE FROM {table} WHERE {condition}"  # noqa: S608 - constants of our own


@dataclass(frozen=True)
class Cluster:
    """Replicated tables on the nodes of a cluster, facts sharded by region."""

    database: str
    cluster: str
    settings: Mapping[str, str | int] = field(
        default_factory=lambda: {
            # An insert ends when the shards have it, and most replicas of each; a query sees it from then on.
            "distributed_foreground_insert": 1,
            "insert_quorum": "auto",
            "insert_quorum_parallel": 0,
            "select_sequential_consistency": 1,
            "lightweight_deletes_sync": 2,
            # DDL fails if a node does not answer, instead of leaving it behind.
            "distributed_ddl_output_mode": "throw",
        }
    )

    def create_database(self) -> str:
        """Return the statement that creates the database on all nodes."""
        return f"CREATE DATABASE IF NOT EXISTS `{self.database}` {self._on}"

    def statements(self, change: Change) -> list[str]:
        """Return the statements of a change: first the replicated tables, then the distributed one."""
        if isinstance(change, AddIndex):
            return _index(f"{change.table}{LOCAL}", self._on, change)
        if isinstance(change, AddColumns):
            if change.table in EVERYWHERE:
                return [_alter(change.table, self._on, change)]
            return [_alter(name, self._on, change) for name in (f"{change.table}{LOCAL}", change.table)]
        if change.everywhere:
            path = f"'/clickhouse/tables/all/{self.database}/{change.name}', '{{shard}}-{{replica}}'"
            return [_create(change, change.name, self._on, f"ReplicatedMergeTree({path})")]
        local = f"{change.name}{LOCAL}"
        path = f"'/clickhouse/tables/{{shard}}/{self.database}/{change.name}', '{{replica}}'"
        above = (
            f"CREATE TABLE IF NOT EXISTS {change.name} {self._on} AS {local}\n"
            f"ENGINE = Distributed('{self.cluster}', '{self.database}', '{local}', {SHARDED_BY})"
        )
        return [_create(change, local, self._on, f"ReplicatedMergeTree({path})"), above]

    def delete(self, table: str, condition: str) -> str:
        """Return the statement that deletes rows of a table: a distributed table cannot delete."""
        if table in EVERYWHERE:
            return OneNode(self.database).delete(table, condition)
        return OneNode(self.database).delete(f"{table}{LOCAL} {self._on}", condition)

    @property
    def _on(self) -> str:
        return f"ON CLUSTER '{self.cluster}'"


def profile_of(database: str, cluster: str | None) -> Profile:
    """Return the profile that the settings choose."""
    return OneNode(database) if cluster is None else Cluster(database, cluster)


def _create(table: Table, name: str, on: str, engine: str) -> str:
    lines = [column.ddl for column in table.columns]
    if table.index is not None:
        lines.append(f"INDEX {table.index}")
    partition = "" if table.partition_by is None else f" PARTITION BY {table.partition_by}"
    return (
        f"CREATE TABLE IF NOT EXISTS {_spaced(name, on)} (\n    {_joined(lines)}\n)"
        f" ENGINE = {engine}{partition}\nORDER BY ({', '.join(table.order_by)})"
    )


def _alter(name: str, on: str, change: AddColumns) -> str:
    lines = [f"ADD COLUMN IF NOT EXISTS {column.ddl}" for column in change.columns]
    return f"ALTER TABLE {_spaced(name, on)}\n    {_joined(lines)}"


def _index(name: str, on: str, change: AddIndex) -> list[str]:
    table = _spaced(name, on)
    return [
        f"ALTER TABLE {table} ADD INDEX IF NOT EXISTS {change.name} {change.index}",
        f"ALTER TABLE {table} MATERIALIZE INDEX {change.name}",
    ]


def _spaced(name: str, on: str) -> str:
    return f"{name} {on}".rstrip()


def _joined(lines: Iterable[str]) -> str:
    return ",\n    ".join(lines)
