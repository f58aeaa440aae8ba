"""Columns that hold a word of a vocabulary."""

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
    """Text in the database, a member of `words` in Python: `mapped_column(Word(NoticeStatus))`.

    A value that is no member raises ValueError before it reaches the database.
    """

    impl = Text
    cache_ok = True

    def __init__(self, words: type[WordT]) -> None:
        super().__init__()
        self.words = words

    def process_bind_param(self, value: WordT | str | None, dialect: Dialect) -> str | None:
        """The wire value."""
        return None if value is None else self.words(value).value

    def process_result_value(self, value: str | None, dialect: Dialect) -> WordT | None:
        """The member."""
        return None if value is None else self.words(value)


def inline(word: Vocabulary) -> ColumnElement[str]:
    """The word as a part of the statement instead of a parameter, for comparison with a column.

    A generic plan is made without the parameters, so PostgreSQL uses a partial index (`WHERE status =
    'pending'`) only for a condition that is written out.
    """
    column: ColumnElement[str] = literal_column(f"'{word.value}'")
    return column


def known(column: str, words: type[Vocabulary], name: str) -> CheckConstraint:
    """The constraint that a column holds a word of `words`."""
    values = ", ".join(f"'{word}'" for word in words)
    return CheckConstraint(f"{column} IN ({values})", name=name)


def differences(connection: Connection, metadata: MetaData) -> list[str]:
    """Columns of `metadata` whose constraint in the database names other words than their vocabulary."""
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
    """The words in each constraint of the form `column IN (…)`, as PostgreSQL writes it."""
    statement = text(
        "SELECT pg_get_constraintdef(oid) FROM pg_constraint"
        " WHERE contype = 'c' AND conrelid = to_regclass(:table)"
    )
    definitions = connection.scalars(statement, {"table": f'"{table}"'})
    pattern = re.compile(rf'^CHECK \(\("?{column}"? = ANY \(ARRAY\[(.*)\]\)\)\)$')
    matches = map(pattern.match, definitions)
    return [set(re.findall(r"'([^']*)'::text", match[1])) for match in matches if match is not None]
