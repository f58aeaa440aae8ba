"""SQL conditions for texts that contain words. Runs no queries.

`pairs` is a column with the pairs of neighbouring characters of a text (`writing.words`), which has an index.
A single character has no pair: then the rows that the other conditions leave are read.
"""

from collections.abc import Sequence
from typing import Any, Final

from sqlalchemy import ColumnElement, or_

from office.writing.words import pairs_of

MAX_WORDS: Final = 4
"""Words of a search that are considered."""


def by_pairs(words: str | None, pairs: Any, name: Any) -> list[ColumnElement[bool]]:
    """Return the conditions for rows whose pairs have all words; a single character must be in the `name`."""
    return [
        pairs.contains(known) if (known := pairs_of(word)) else name.icontains(word, autoescape=True)
        for word in _split(words)
    ]


def in_texts(words: str | None, pairs: Any, texts: Sequence[Any]) -> list[ColumnElement[bool]]:
    """Return the conditions for rows that have each word in one of the `texts`."""
    conditions: list[ColumnElement[bool]] = []
    for word in _split(words):
        if known := pairs_of(word):
            conditions.append(pairs.contains(known))
        conditions.append(or_(*(one.icontains(word, autoescape=True) for one in texts)))
    return conditions


def _split(words: str | None) -> list[str]:
    return (words or "").split()[:MAX_WORDS]
