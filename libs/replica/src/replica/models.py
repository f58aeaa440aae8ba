"""Columns of the replica's tables; a service mixes them into its own declarative base.

Identity assigns `version`: the state with the higher version is newer, independent of the order of arrival.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, ClassVar, Generic, TypeVar
from uuid import UUID

from pydantic import BaseModel, TypeAdapter
from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    Column,
    DateTime,
    Dialect,
    Index,
    Integer,
    MetaData,
    Table,
    Text,
    Uuid,
    func,
)
from sqlalchemy.dialects.postgresql import ARRAY, JSONB
from sqlalchemy.orm import Mapped, declared_attr, mapped_column
from sqlalchemy.types import TypeDecorator

from contracts.identity import FormerName, PersonMembership
from servicekit.ltree import LTree

M = TypeVar("M", bound=BaseModel)


class _Models(TypeDecorator[list[M]], Generic[M]):
    """A list of models of contracts as JSON."""

    impl = JSONB
    cache_ok = True
    models: ClassVar[TypeAdapter[Any]]

    def process_bind_param(self, value: Sequence[Any] | None, dialect: Dialect) -> Any:
        """Return the models, or their fields as an event has them, as JSON."""
        if value is None:
            return None
        return self.models.dump_python(self.models.validate_python(list(value)), mode="json")

    def process_result_value(self, value: Any, dialect: Dialect) -> list[M] | None:
        """Return the models."""
        return None if value is None else self.models.validate_python(list(value))


class Memberships(_Models[PersonMembership]):
    """All memberships of a person, for a column `memberships` of a service that needs more than the first.

    `memberships: Mapped[list[PersonMembership]] = mapped_column(Memberships, server_default="[]")`
    """

    cache_ok = True
    models = TypeAdapter(list[PersonMembership])


class FormerNames(_Models[FormerName]):
    """Former names of a unit, for a column `former_names` of a service that shows them."""

    cache_ok = True
    models = TypeAdapter(list[FormerName])


def make_snapshot_table(metadata: MetaData) -> Table:
    """Declare the table with one row per completely read snapshot; without a row, the replica is incomplete.

    Units that arrived by events do not make the replica complete. To read the snapshot again, delete the
    rows.
    """
    return Table(
        "replica_snapshots",
        metadata,
        Column("id", Uuid, primary_key=True),
        Column("completed_at", DateTime(timezone=True), nullable=False, server_default=func.now()),
        Column("units", Integer, nullable=False),
    )


def make_staging_table(metadata: MetaData) -> Table:
    """Declare the table of rows that a running rebuild has read; see `replica.staging`."""
    return Table(
        "replica_staging",
        metadata,
        Column("what", Text, nullable=False),
        Column("id", Uuid, nullable=False),
        Column("data", JSONB, nullable=False),
    )


@dataclass(frozen=True)
class ReplicaTables:
    """The auxiliary tables of a replica."""

    snapshots: Table
    staging: Table

    @classmethod
    def of(cls, metadata: MetaData) -> "ReplicaTables":
        """Declare the tables in the metadata of a service."""
        return cls(make_snapshot_table(metadata), make_staging_table(metadata))


class UnitColumns:
    """The last known state of a unit (`UnitChangedV1`)."""

    __tablename__ = "units"

    id: Mapped[UUID] = mapped_column(primary_key=True)
    # Identity never changes or reassigns a code. The column is not unique, because after a restore of
    # Identity from a backup, a lost unit and its successor share a code until the rebuild ends.
    code: Mapped[str] = mapped_column(Text, index=True)
    name: Mapped[str] = mapped_column(Text)
    short_name: Mapped[str] = mapped_column(Text)
    level: Mapped[str] = mapped_column(Text)
    kind: Mapped[str] = mapped_column(Text)
    stages: Mapped[list[str]] = mapped_column(ARRAY(Text))
    region_code: Mapped[str | None] = mapped_column(Text, index=True)
    parent_id: Mapped[UUID | None] = mapped_column(index=True)
    path: Mapped[str] = mapped_column(LTree)
    status: Mapped[str] = mapped_column(Text)
    version: Mapped[int] = mapped_column(BigInteger)
    replicated_at: Mapped[datetime] = mapped_column(DateTime(timezone=True), server_default=func.now())

    @declared_attr.directive
    def __table_args__(cls) -> tuple[Any, ...]:  # noqa: N805 - declared_attr works on the class
        return (Index("ix_units_path", "path", postgresql_using="gist"), Index("ix_units_path_order", "path"))


class PersonColumns:
    """The last known state of a person (`PersonChangedV1`), with a masked phone number."""

    __tablename__ = "people"

    sub: Mapped[UUID] = mapped_column(primary_key=True)
    name: Mapped[str] = mapped_column(Text)
    phone_masked: Mapped[str] = mapped_column(Text)
    status: Mapped[str] = mapped_column(Text)
    unit_id: Mapped[UUID | None] = mapped_column(index=True)
    unit_path: Mapped[str | None] = mapped_column(LTree)
    roles: Mapped[list[str]] = mapped_column(ARRAY(Text))
    version: Mapped[int] = mapped_column(BigInteger)
    replicated_at: Mapped[datetime] = mapped_column(DateTime(timezone=True), server_default=func.now())


class RoleColumns:
    """What a role allows now (`RoleChangedV1`). Some dozens of rows; a retired role stays and allows nothing.

    The migration of a service with this table writes the built-in roles, for the time until the first
    rebuild.
    """

    __tablename__ = "roles"

    code: Mapped[str] = mapped_column(Text, primary_key=True)
    name: Mapped[str] = mapped_column(Text)
    permissions: Mapped[list[str]] = mapped_column(ARRAY(Text))
    version: Mapped[int] = mapped_column(BigInteger)
    replicated_at: Mapped[datetime] = mapped_column(DateTime(timezone=True), server_default=func.now())


class FormerPlaceColumns:
    """The place and the attributes of a unit from `valid_from` (inclusive) to `valid_to` (exclusive)
    (`UnitPlace`). Null attributes are not known: then the present ones count.

    Grows with moves and closures of units, some thousands a year; never pruned. A service with this table
    has a nullable column `placed_at` in its units.
    """

    __tablename__ = "former_places"

    unit_id: Mapped[UUID] = mapped_column(primary_key=True)
    valid_from: Mapped[datetime] = mapped_column(DateTime(timezone=True), primary_key=True)
    valid_to: Mapped[datetime] = mapped_column(DateTime(timezone=True))
    parent_id: Mapped[UUID | None]
    path: Mapped[str] = mapped_column(LTree)
    status: Mapped[str] = mapped_column(Text)
    level: Mapped[str | None] = mapped_column(Text)
    kind: Mapped[str | None] = mapped_column(Text)
    stages: Mapped[list[str] | None] = mapped_column(ARRAY(Text))

    @declared_attr.directive
    def __table_args__(cls) -> tuple[Any, ...]:  # noqa: N805 - declared_attr works on the class
        return (
            Index("ix_former_places_path", "path", postgresql_using="gist"),
            CheckConstraint("valid_from < valid_to", name="not_empty"),
        )
