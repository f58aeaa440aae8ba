"""Judging the columns of many rows at a time. Pure.

A column's parser is the only rule. Most texts need no call of it: they match the pattern of surely valid
texts, or they are equal to a text that was parsed before.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from cockpit.feeds.columns import Column
from cockpit.feeds.declarations import Feed
from cockpit.feeds.rules import RowError

_SPACES = " \t\r\n\u00a0\u3000\ufeff"

Errors = dict[int, list[RowError]]
"""The errors of rows, by the place of the row."""


@dataclass(frozen=True)
class Judged:
    """The values of each column, null where a row has errors or no value."""

    values: Mapping[str, pa.Array]
    errors: Errors


def judge(feed: Feed, texts: Mapping[str, pa.Array]) -> Judged:
    """Judge rows; `texts` has an array of strings for each column of the feed."""
    values: dict[str, pa.Array] = {}
    errors: Errors = {}
    for column in feed.columns:
        values[column.name], wrong = judge_column(column, texts[column.name])
        for row, error in wrong.items():
            errors.setdefault(row, []).append(error)
    for check in feed.checks:
        holds = check.holds(*(values[name] for name in check.columns))
        fails = np.flatnonzero(pc.fill_null(pc.invert(holds), False).to_numpy(zero_copy_only=False))
        column = feed.by_name[check.columns[0]]
        for row in fails.tolist():
            # Of a row whose columns are invalid, nothing more can be said about them.
            if not any(error.column in check.columns for error in errors.get(row, ())):
                error = RowError(check.code, f"{column.chinese}：{check.reason}", column.name)
                errors.setdefault(row, []).append(error)
    return Judged(values, errors)


def judge_column(column: Column, texts: pa.Array) -> tuple[pa.Array, dict[int, RowError]]:
    """Return the values of a column, null where there is none, and the errors by place."""
    texts = pc.utf8_trim(texts, _SPACES)
    kind = column.kind
    if kind.sure is None:
        return _by_distinct(column, texts)
    sure = pc.match_substring_regex(texts, kind.sure)
    if kind.unsure is not None:
        sure = pc.and_not(sure, pc.match_substring_regex(texts, kind.unsure))
    values = pc.cast(pc.if_else(sure, texts, pa.scalar(None, pa.string())), kind.arrow)
    left = np.flatnonzero(~sure.to_numpy(zero_copy_only=False))
    if not len(left):
        return values, {}
    parsed, errors = _by_distinct(column, texts.take(pa.array(left)))
    values = pc.replace_with_mask(values, pc.invert(sure), parsed)
    return values, {int(left[place]): error for place, error in errors.items()}


def _by_distinct(column: Column, texts: pa.Array) -> tuple[pa.Array, dict[int, RowError]]:
    encoded = texts.dictionary_encode()
    values: list[object] = []
    wrong: dict[int, RowError] = {}
    for place, text in enumerate(encoded.dictionary.to_pylist()):
        try:
            values.append(column.parse(text))
        except RowError as error:
            values.append(None)
            wrong[place] = RowError(error.code, f"{column.chinese}：{error.reason}", column.name)
    found = pa.array(values, type=column.kind.arrow).take(encoded.indices)
    if not wrong:
        return found, {}
    indices = encoded.indices.to_numpy(zero_copy_only=False)
    places = np.flatnonzero(np.isin(indices, list(wrong)))
    return found, {int(place): wrong[int(indices[place])] for place in places}


def distinct(texts: pa.Array) -> list[str]:
    """Return the distinct values of an array of texts, without nulls."""
    return [text for text in pc.unique(texts).to_pylist() if text is not None]


def mapped(texts: pa.Array, of: Callable[[str], object], type_: pa.DataType) -> pa.Array:
    """Return what `of` answers for each text, called once for each distinct one."""
    encoded = texts.dictionary_encode()
    answers = [of(text) for text in encoded.dictionary.to_pylist()]
    return pa.array(answers, type=type_).take(encoded.indices)
