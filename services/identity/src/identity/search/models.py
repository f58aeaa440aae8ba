"""What people and units are searched by. Derived from their tables; `search.indexing` fills them."""

from uuid import UUID

from sqlalchemy import Index, Text
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.orm import Mapped, mapped_column

from identity.base import Base
from searchkit.index import NAME, UnitSearchColumns
from searchkit.queue import QueueColumns


class PersonSearch(Base):
    """A person with an active membership: tokens of the name, the posts and the units.

    A token `@` is the code of a unit above or of the unit itself, `#` the keyed index of the last four digits
    of the phone number.
    """

    __tablename__ = "people_search"
    __table_args__ = (
        Index("ix_people_search_first", "first", "name", "account_id"),
        Index("ix_people_search_tokens", "tokens", postgresql_using="gin"),
    )

    account_id: Mapped[UUID] = mapped_column(primary_key=True)
    first: Mapped[str] = mapped_column(NAME, server_default="")
    """The first letter of the name, so that a walk visits only names that may begin with what is asked for;
    empty until the row is indexed anew.
    """
    name: Mapped[str] = mapped_column(NAME)
    words: Mapped[str] = mapped_column(Text)
    """Name, posts and units, to verify what was found by pairs."""
    tokens: Mapped[list[str]] = mapped_column(ARRAY(Text))


class UnitSearch(UnitSearchColumns, Base):
    """An active unit: tokens of its names. `rank` is its level, the ministry first."""


class SearchQueue(QueueColumns, Base):
    """People and units that have changed since they were indexed; triggers insert, the indexer deletes."""
