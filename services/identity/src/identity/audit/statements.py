"""Statements for the audit log, also as a part of other statements."""

from collections.abc import Mapping
from typing import Any, Final

from sqlalchemy import Text, cast, func, insert, select
from sqlalchemy import bindparam as bind
from sqlalchemy.dialects.postgresql import ARRAY, JSONB
from sqlalchemy.sql.dml import Insert

from identity.audit.models import AuditRecord
from servicekit.lanes import Statement

# The table: with the class, a session takes parameters for the attributes of objects.
_TABLE: Final[Any] = AuditRecord.__table__
COLUMNS: Final = _TABLE.columns


def insert_one() -> Insert:
    """Return the statement that adds one row, with the parameters of `parameters`."""
    return insert(_TABLE).values({c.name: bind(f"audit_{c.name}", type_=c.type) for c in COLUMNS})


def parameters(row: Mapping[str, Any]) -> dict[str, Any]:
    """Return the parameters of `insert_one` for a row of `service.values`."""
    return {f"audit_{name}": value for name, value in row.items()}


def _insert_many() -> Statement:
    # Arrays of JSON documents are passed as texts.
    types = {c.name: Text() if isinstance(c.type, JSONB) else c.type for c in COLUMNS}
    given = func.unnest(*(bind(name, type_=ARRAY(type_)) for name, type_ in types.items()))
    rows = given.table_valued(*types, name="given").render_derived()
    values = [cast(rows.c[c.name], JSONB) if isinstance(c.type, JSONB) else rows.c[c.name] for c in COLUMNS]
    return Statement(insert(_TABLE).from_select(list(types), select(*values)))


INSERT_MANY: Final = _insert_many()
