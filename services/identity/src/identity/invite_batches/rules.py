"""The table of people to invite, and what is valid in one row. Pure.

A message is for the person who made the file: it names the column and says what to do.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from contracts.vocabulary import Role
from filekit.cells import cleaned
from filekit.rows import Row as Line

MOST_ROWS = 5_000
MOST_BYTES = 5 * 1024 * 1024
HEADING_WITHIN = 10
"""The heading is one of the first rows."""
HEADINGS = ("手机号", "姓名", "角色", "职务")
REASON = "原因"
_REQUIRED = ("手机号", "姓名", "角色")
_BETWEEN = re.compile(r"[、,，;；/／\s|]+")
_MOST_TEXT = 200
_MOST_POSTS, _MOST_POST = 5, 30
_ROLES = {role.label: role.value for role in Role} | {role.value: role.value for role in Role}


@dataclass
class Person:
    """One row: texts as they were sent, and what they mean."""

    number: int
    fields: list[str]
    phone: str | None = None
    name: str | None = None
    roles: list[str] = field(default_factory=list)
    posts: list[str] = field(default_factory=list)
    errors: list[str] = field(default_factory=list)
    unusable: set[str] = field(default_factory=set)
    """Columns whose cell is spoilt, such as a number that became a date; nothing else is said of them."""


def heading_of(cells: Sequence[str]) -> dict[str, int] | None:
    """Return the position of each column in a row of headings; None if it is no heading."""
    found: dict[str, int] = {}
    for position, cell in enumerate(cells):
        name = re.sub(r"[\s*＊:：]", "", cleaned(cell))
        if name in HEADINGS and name not in found:
            found[name] = position
    return found if set(_REQUIRED) <= found.keys() else None


def person_of(line: Line, columns: Mapping[str, int]) -> Person:
    """Return a row with all its errors except those of phone and name, which other rules decide."""
    texts = {
        name: cleaned(line.fields[at])[:_MOST_TEXT] if at < len(line.fields) else ""
        for name, at in columns.items()
    }
    row = Person(line.number, [texts.get(name, "") for name in HEADINGS])
    for at, fault in line.faults:
        named = next((name for name, position in columns.items() if position == at), None)
        if named is not None:
            row.errors.append(f"“{named}”{fault}")
            row.unusable.add(named)
    row.errors += [f"{name}：不能为空" for name in _REQUIRED if not texts[name] and name not in row.unusable]
    if "角色" not in row.unusable:
        _roles(row, texts["角色"])
    if "职务" not in row.unusable:
        _posts(row, texts.get("职务", ""))
    return row


def repeated(rows: Sequence[Person]) -> None:
    """Note rows whose number is also in an earlier one."""
    first: dict[str, int] = {}
    for row in rows:
        if row.phone is None:
            continue
        if row.phone in first:
            row.errors.append(f"手机号：与第 {first[row.phone]} 行重复")
        else:
            first[row.phone] = row.number


def _roles(row: Person, text: str) -> None:
    for word in filter(None, _BETWEEN.split(text)):
        if word not in _ROLES:
            labels = "、".join(role.label for role in Role)
            row.errors.append(f"角色：没有“{word[:20]}”这个角色，可填{labels}")
        elif _ROLES[word] not in row.roles:
            row.roles.append(_ROLES[word])


def _posts(row: Person, text: str) -> None:
    row.posts = list(dict.fromkeys(filter(None, _BETWEEN.split(text))))
    if len(row.posts) > _MOST_POSTS:
        row.errors.append(f"职务：最多 {_MOST_POSTS} 项")
    if any(len(post) > _MOST_POST for post in row.posts):
        row.errors.append(f"职务：每项最多 {_MOST_POST} 个字")
