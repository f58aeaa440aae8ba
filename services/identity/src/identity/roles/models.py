"""Roles as data."""

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import BigInteger, Boolean, DateTime, Index, Integer, Text, text
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.orm import Mapped, mapped_column

from identity.base import Base
from identity.roles.errors import BuiltInRole, RoleRetired


class RoleDefinition(Base):
    """What a role (角色) in a unit allows, and what its holder may pass on without holding it.

    A unit's administrator appoints those who issue notices and issues none: `may_grant`. Changes apply to
    tokens issued afterwards. A retired role stays, as history of who held it, and gives nothing.
    """

    __tablename__ = "roles"
    __table_args__ = (
        Index("uq_roles_name_in_use", "name", unique=True, postgresql_where=text("retired_at IS NULL")),
    )

    code: Mapped[str] = mapped_column(Text, primary_key=True)
    name: Mapped[str] = mapped_column(Text)
    permissions: Mapped[list[str]] = mapped_column(ARRAY(Text))
    may_grant: Mapped[list[str]] = mapped_column(ARRAY(Text))
    built_in: Mapped[bool] = mapped_column(Boolean)
    position: Mapped[int] = mapped_column(Integer)
    retired_at: Mapped[datetime | None] = mapped_column(DateTime(timezone=True))
    version: Mapped[int] = mapped_column(BigInteger, default=1, server_default="1")
    """Increases with every change; a migration that changes a built-in role increases it too."""

    def change(self, name: str, permissions: Sequence[str], may_grant: Sequence[str]) -> bool:
        """Set what the role is called and allows. Return whether it allows less than before.

        Raises `BuiltInRole`, `RoleRetired`.
        """
        self.check_changeable()
        less = not set(self.permissions) <= set(permissions)
        self.name, self.permissions, self.may_grant = name, list(permissions), list(may_grant)
        self.version += 1
        return less

    def retire(self, now: datetime) -> None:
        """Let the role allow nothing any more. Raises `BuiltInRole`, `RoleRetired`."""
        self.check_changeable()
        self.retired_at = now
        self.version += 1

    def check_changeable(self) -> None:
        """Raise `BuiltInRole` or `RoleRetired` for a role that does not change."""
        if self.built_in:
            raise BuiltInRole
        if self.retired_at is not None:
            raise RoleRetired
