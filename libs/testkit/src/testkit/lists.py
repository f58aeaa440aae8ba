"""Checks of lists: what they refuse, that pages lose and repeat nothing, that the total is right, that orders
and filters are what they say, and names.

The rows may be made by `made`, which fills what a test has nothing to say about.
"""

import enum
import itertools
import uuid
from collections.abc import Awaitable, Callable, Iterable, Mapping
from datetime import datetime, timedelta
from typing import Any, Protocol, TypeVar

import httpx
import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import ARRAY, JSONB

Row = TypeVar("Row")
Call = Callable[[Mapping[str, str]], Awaitable[httpx.Response]]
"""Asks for a list with these parameters."""
_MOST = 1000
_numbers = itertools.count(1)


class List(Protocol):
    """What is known of a list; `onebox.lists.ListOperation` is one."""

    @property
    def parameters(self) -> Mapping[str, Mapping[str, Any]]:
        """The parameters by their names."""

    @property
    def sorts(self) -> Mapping[str, str]:
        """The codes of its orders."""

    @property
    def sort_parameter(self) -> str:
        """The parameter that sorts."""

    def ids(self) -> Iterable[tuple[str, str | None]]:
        """The fields with ids, and those with their names."""


async def check_list(one: List, call: Call, least: int = 2) -> None:
    """Check a list with pages, of which the caller sees `least` items or more."""
    for name in ("nosuch", *_checked_parameters(one)):
        refused = await call({name: "nosuch"})
        assert refused.status_code == 422, (name, refused.text)
        assert name in {error.get("parameter") for error in refused.json()["errors"]}, refused.text
    shown: list[str] = []
    for sort in (None, *one.sorts):
        given = {} if sort is None else {one.sort_parameter: sort}
        items = await _whole(one, call, given)
        assert len(items) >= least, items
        # Another order has the same items.
        shown = shown or sorted(map(str, items))
        assert sorted(map(str, items)) == shown, sort
        found, cursor, pages = [], None, 0
        while cursor is not None or pages == 0:
            page = await _page(call, given | {"limit": "1"} | ({} if cursor is None else {"cursor": cursor}))
            assert page["total"] == {"count": len(items), "exact": True}
            found += page["items"]
            cursor, pages = page["next"], pages + 1
            assert pages <= len(items)
        assert found == items, sort
        for item in items:
            for field, beside in one.ids():
                assert item[field] is None or (beside is not None and item[beside]), (field, item)


async def check_order(one: List, call: Call, sort: str, field: str, *, latest_first: bool = False) -> None:
    """Check that a list, sorted by `sort`, is in the order of `field`, of which it has several values."""
    items = await _whole(one, call, {one.sort_parameter: sort})
    values = [item[field] for item in items]
    assert len(set(values)) > 1, values
    assert values == sorted(values, reverse=latest_first), (sort, values)


async def check_filters(one: List, call: Call, fields: Mapping[str, str] | None = None) -> set[str]:
    """Check each filter that has the name of a field, or that of its field in `fields`: for each value there,
    the list has the items with this value; with "no", it may be some of them. No item is there with "yes" and
    with "no". Return the checked parameters that divide the list.
    """
    everything, checked = await _whole(one, call, {}), set[str]()
    for name, parameter in one.parameters.items():
        if parameter["in"] != "query" or name in {"limit", "cursor", "q", one.sort_parameter}:
            continue
        field, parts = (fields or {}).get(name, name), []
        if any(kind.get("type") == "boolean" for kind in _kinds(parameter)):
            yes, no = [await _whole(one, call, {name: word}) for word in ("true", "false")]
            assert all(item in everything for item in yes + no), name
            assert not [item for item in yes if item in no], name
            if field in everything[0]:
                assert yes == [item for item in everything if item[field]], name
            parts = [yes, no]
        elif field in everything[0]:
            values = {_code(item[field]) for item in everything} - {None}
            parts = [await _whole(one, call, {name: str(value)}) for value in values]
            for value, part in zip(values, parts, strict=True):
                assert part == [item for item in everything if _code(item[field]) == value], (name, value)
        if parts and all(0 < len(part) < len(everything) for part in parts):
            checked.add(name)
    return checked


def made(model: type[Row], now: datetime, usual: Mapping[str, object], **given: object) -> Row:
    """Return a row of a model: with `given`, else with what is `usual` for a column of this name, else with
    some value of its type if it must have one. Texts, ids and times differ from row to row.
    """
    values: dict[str, object] = {}
    number = next(_numbers)
    for attribute in sa.inspect(model).column_attrs:
        column, name = attribute.columns[0], attribute.key
        if name in given:
            values[name] = given[name]
        elif name in usual and not column.primary_key:
            values[name] = usual[name]
        elif not column.nullable and column.server_default is None and column.default is None:
            values[name] = _some(column.type, number, now)
    return model(**values)


def _some(kind: Any, number: int, now: datetime) -> object:
    word = getattr(kind, "words", None)
    if isinstance(word, type) and issubclass(word, enum.Enum):
        return next(iter(word))
    inner = getattr(kind, "impl", kind)
    makers: dict[type, object] = {
        sa.Uuid: uuid.UUID(int=(1 << 64) + number),
        sa.DateTime: now - timedelta(minutes=number),
        sa.LargeBinary: number.to_bytes(32, "big"),
        ARRAY: [],
        JSONB: {},
        sa.Boolean: False,
        sa.Integer: number,
        sa.Numeric: number,
        sa.Date: now.date(),
        sa.String: f"第{number}项",
    }
    return next(value for type_, value in makers.items() if isinstance(inner, type_))


def _checked_parameters(one: List) -> list[str]:
    """Return the parameters that are words, ids, numbers or yes and no, which "nosuch" is none of."""
    found = []
    for name, parameter in one.parameters.items():
        checked = any(
            "$ref" in kind or kind.get("format") == "uuid" or kind.get("type") in {"boolean", "integer"}
            for kind in _kinds(parameter)
        )
        if parameter["in"] == "query" and checked:
            found.append(name)
    return found


def _kinds(parameter: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    return [parameter["schema"], *parameter["schema"].get("anyOf", ())]


async def _whole(one: List, call: Call, given: Mapping[str, str]) -> list[dict[str, Any]]:
    page = await _page(call, {**given, "limit": str(_limit(one))})
    assert page["next"] is None
    items: list[dict[str, Any]] = page["items"]
    return items


def _code(value: Any) -> Any:
    """Return what a filter names a value by."""
    return value["id"] if isinstance(value, dict) else value


def _limit(one: List) -> int:
    return int(one.parameters["limit"]["schema"].get("maximum", _MOST))


async def _page(call: Call, parameters: Mapping[str, str]) -> dict[str, Any]:
    answer = await call(parameters)
    assert answer.status_code == 200, answer.text
    body: dict[str, Any] = answer.json()
    return body
