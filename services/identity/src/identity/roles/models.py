"""Roles as data."""

from sqlalchemy import Boolean, Integer, Text
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.orm import Mapped, mapped_column

from identity.base import Base


class RoleDefinition(Base):
    """What a role (角色) in a unit allows, and what its holder may pass on without holding it.

    A unit's administrator appoints those who issue notices and issues none: `may_grant`. Changes apply to
    tokens issued afterwards.
    """

    __tablename__ = "roles"

    code: Mapped[str] = mapped_column(Text, primary_key=True)
    name: Mapped[str] = mapped_column(Text)
    permissions: Mapped[list[str]] = mapped_column(ARRAY(Text))
    may_grant: Mapped[list[str]] = mapped_column(ARRAY(Text))
    built_in: Mapped[bool] = mapped_column(Boolean)
    position: Mapped[int] = mapped_column(Integer)
