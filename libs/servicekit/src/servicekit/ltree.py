"""PostgreSQL `ltree` in SQLAlchemy: the authority path of a unit, and the operator for descendants."""

from typing import Any

from sqlalchemy import ColumnElement, func
from sqlalchemy.dialects.postgresql.base import ischema_names
from sqlalchemy.sql.elements import BindParameter
from sqlalchemy.types import UserDefinedType


class LTree(UserDefinedType[str]):
    """A column of type `ltree`, a `str` in Python. It is sent as text, because the driver has no codec."""

    cache_ok = True

    def get_col_spec(self, **_: Any) -> str:
        """Return the DDL type name."""
        return "LTREE"

    def bind_expression(self, bindvalue: BindParameter[str]) -> ColumnElement[str]:
        """Send as text, convert in the server."""
        return func.text2ltree(bindvalue, type_=self)

    def column_expression(self, colexpr: ColumnElement[str]) -> ColumnElement[str]:
        """Convert to text in the server, receive as text."""
        return func.ltree2text(colexpr, type_=self)


# Register the type for reflection, which the comparison of models and migrations uses.
ischema_names["ltree"] = LTree


def under(path: ColumnElement[str] | Any, ancestor: str | ColumnElement[str]) -> ColumnElement[bool]:
    """Return the SQL condition that `path` is `ancestor` or one of its descendants (`<@`)."""
    other = func.text2ltree(ancestor) if isinstance(ancestor, str) else ancestor
    return path.op("<@", is_comparison=True)(other)


def is_under(path: str, ancestor: str) -> bool:
    """Return whether `path` is `ancestor` or one of its descendants, for two strings."""
    return path == ancestor or path.startswith(ancestor + ".")
