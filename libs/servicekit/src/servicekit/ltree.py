"""PostgreSQL `ltree` in SQLAlchemy: the authority path of a unit, and the operator for descendants."""

import re
from typing import Any

from sqlalchemy import ColumnElement, and_, func
from sqlalchemy.dialects.postgresql.base import ischema_names
from sqlalchemy.sql.elements import BindParameter
from sqlalchemy.types import UserDefinedType

_FIRST_CHARACTER = "0"
"""Labels are unit codes: letters, digits and `_`."""
_PATH = re.compile(r"[A-Za-z0-9_]{1,255}(\.[A-Za-z0-9_]{1,255}){0,63}")


def path_of(text: str) -> str:
    """Return `text` if it is a path, codes joined by dots; for cursors. Raises `ValueError`."""
    if _PATH.fullmatch(text) is None:
        raise ValueError("not a path")
    return text


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


def between(path: ColumnElement[str] | Any, ancestor: str) -> ColumnElement[bool]:
    """The same as a range of paths: beside `under` in a list in the order of the paths, so that its index is
    read from the first row of the subtree to the last.

    What is below a path sorts behind it, and before the path whose last label is longer by the first of all
    characters.
    """
    return and_(path >= func.text2ltree(ancestor), path < func.text2ltree(beyond(ancestor)))


def beyond(ancestor: str) -> str:
    """Return the first path behind all of those at and below `ancestor`, in the order of paths."""
    return f"{ancestor}{_FIRST_CHARACTER}"


def is_under(path: str, ancestor: str) -> bool:
    """Return whether `path` is `ancestor` or one of its descendants, for two strings.

    The empty path is above all others, as in PostgreSQL.
    """
    return not ancestor or path == ancestor or path.startswith(ancestor + ".")


def lineage(path: str) -> list[str]:
    """Return `path` and the paths of its ancestors, the root first."""
    labels = path.split(".")
    return [".".join(labels[:length]) for length in range(1, len(labels) + 1)]
