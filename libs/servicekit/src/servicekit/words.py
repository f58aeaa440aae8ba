"""Columns whose values are members of a vocabulary."""

import re
from typing import Generic, TypeVar

from sqlalchemy import (
    CheckConstraint,
    ColumnElement,
    Connection,
    Dialect,
    MetaData,
    Text,
    literal_column,
    text,
)
from sqlalchemy.types import TypeDecorator

from contracts.vocabulary import Vocabulary

WordT = TypeVar("WordT", bound=Vocabulary)


class Word(TypeDecorator[WordT], Generic[WordT]):
    """Text in the database and a member of `words` in Python: `mapped_column(Word(NoticeStatus))`.

    A value that is not a member raises ValueError before it reaches the database.
    """

    impl = Text
    cache_ok = True

    def __init__(self, words: type[WordT]) -> None:
        super().__init__()
        self.words = words

    def process_bind_param(self, value: WordT | str | None, dialect: Dialect) -> str | None:
        """Return the wire value."""
        return None if value is None else self.words(value).value

    def process_result_value(self, value: str | None, dialect: Dialect) -> WordT | None:
        """Return the member."""
        return None if value is None else self.words(value)


def inline(word: Vocabulary) -> ColumnElement[str]:
    """Return the value as a literal instead of a parameter, for comparison with a column.

    A generic plan does not depend on parameters, so PostgreSQL uses a partial index (`WHERE status =
    'pending'`) only for a literal condition.
    """
    column: ColumnElement[str] = literal_column(f"'{word.value}'")
    return column


def known(column: str, words: type[Vocabulary], name: str) -> CheckConstraint:
    """Return the constraint that restricts a column to the values of `words`."""
    values = ", ".join(f"'{word}'" for word in words)
    return CheckConstraint(f"{column} IN ({values})", name=name)


def differences(connection: Connection, metadata: MetaData) -> list[str]:
    """Return the columns of `metadata` whose constraint in the database differs from their vocabulary."""
    found = []
    for table in metadata.sorted_tables:
        for column in table.columns:
            if isinstance(column.type, Word):
                words = {word.value for word in column.type.words}
                named = _constrained(connection, table.name, column.name)
                if words not in named:
                    found.append(
                        f"{table.name}.{column.name} holds {sorted(words)}, and its constraint says"
                        f" {[sorted(one) for one in named]}"
                    )
    return found


def _constrained(connection: Connection, table: str, column: str) -> list[set[str]]:
    """Return the values in each constraint of the form `column IN (…)`, in PostgreSQL's notation."""
    statement = text(
        "SELECT pg_get_constraintdef(oid) FROM pg_constraint"
        " WHERE contype = 'c' AND conrelid = to_regclass(:table)"
    )
    definitions = connection.scalars(statement, {"table": f'"{table}"'})
    pattern = re.compile(rf'^CHECK \(\("?{column}"? = ANY \(ARRAY\[(.*)\]\)\)\)$')
    matches = map(pattern.match, definitions)
    return [set(re.findall(r"'([^']*)'::text", match[1])) for match in matches if match is not None]
