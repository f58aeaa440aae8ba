"""PostgreSQL `ltree` in SQLAlchemy: the authority path of a unit, and the one operator for reach."""

from typing import Any

from sqlalchemy import ColumnElement, func
from sqlalchemy.dialects.postgresql.base import ischema_names
from sqlalchemy.sql.elements import BindParameter
from sqlalchemy.types import UserDefinedType


class LTree(UserDefinedType[str]):
    """A column of type `ltree`, a `str` in Python. The driver has no codec for it: it travels as text."""

    cache_ok = True

    def get_col_spec(self, **_: Any) -> str:
        """The DDL type name."""
        return "LTREE"

    def bind_expression(self, bindvalue: BindParameter[str]) -> ColumnElement[str]:
        """Send as text, convert in the server."""
        return func.text2ltree(bindvalue, type_=self)

    def column_expression(self, colexpr: ColumnElement[str]) -> ColumnElement[str]:
        """Convert to text in the server, receive as text."""
        return func.ltree2text(colexpr, type_=self)


# So that a database is read back with the type it was made with, when models and migrations are compared.
ischema_names["ltree"] = LTree


def under(path: ColumnElement[str] | Any, ancestor: str | ColumnElement[str]) -> ColumnElement[bool]:
    """Whether `path` is `ancestor` or below it (`<@`): the one rule for reach, in a query."""
    other = func.text2ltree(ancestor) if isinstance(ancestor, str) else ancestor
    return path.op("<@", is_comparison=True)(other)


def is_under(path: str, ancestor: str) -> bool:
    """The same rule for two strings."""
    return path == ancestor or path.startswith(ancestor + ".")
