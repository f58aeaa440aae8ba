"""The statement that inserts a mapped object without a session."""

from typing import Any

from sqlalchemy import bindparam, insert, inspect
from sqlalchemy.sql.dml import Insert


def inserting(mapped: type[Any], names: frozenset[str]) -> Insert:
    """Return the statement that inserts a row of a mapped class with the attributes `names` as parameters.

    It returns no rows. Raises ValueError if a default that only a session applies is missing.
    """
    mapper = inspect(mapped)
    named = {mapper.get_property_by_column(column).key: column for column in mapper.local_table.columns}
    missing = [name for name, column in named.items() if column.default is not None and name not in names]
    if missing:
        raise ValueError(f"{mapped.__name__} needs {', '.join(missing)}")
    values = {named[name].name: bindparam(name, type_=named[name].type) for name in sorted(names)}
    # Otherwise SQLAlchemy asks for the key that the server makes, and a row comes back.
    return insert(mapper.local_table).values(values).inline()
