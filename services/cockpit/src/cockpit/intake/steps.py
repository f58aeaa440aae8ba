"""What readers of files give, whatever the format: texts by column, many rows at a time."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Protocol

import pyarrow as pa

from cockpit.feeds.declarations import Feed
from cockpit.feeds.personal import mask
from cockpit.feeds.rules import RowError
from cockpit.intake.errors import WrongColumns
from cockpit.intake.members import REPORT_FILE, MemberFile
from servicekit.text import is_storable

MAX_COLUMNS = 1_000
REPORT_COLUMNS = ["行号", "原因代码", "原因"]
"""What a downloaded quarantine has before the columns of the file; it may be corrected and sent as it is."""


@dataclass(frozen=True)
class Faulty:
    """A row that has no columns: its number in the file, what there is of it, and why."""

    number: int
    fields: list[str]
    error: RowError


@dataclass(frozen=True)
class Step:
    """The rows of one step: their numbers in the file, and the text of each column of the feed."""

    numbers: Sequence[int] = ()
    texts: dict[str, pa.Array] = field(default_factory=dict)
    faulty: list[Faulty] = field(default_factory=list)


class Reader(Protocol):
    """Reads the rows of a file in steps of bounded work. Every method blocks: call it in a thread.

    `headings` are those of the file, `names` the feed's columns in that order; both are known once `opened`.
    `encoding` is that of a text, None for others. `files` are those of an archive which have been begun: the
    last one has the rows of the last step.
    """

    headings: list[str]
    names: list[str]
    encoding: str | None

    @property
    def files(self) -> Sequence[MemberFile]:
        """Return the files of an archive that have been begun."""
        ...

    @property
    def opened(self) -> bool:
        """Return whether the headings and the first row have been read."""
        ...

    @property
    def ended(self) -> bool:
        """Return whether all rows have been read."""
        ...

    @property
    def rows(self) -> int:
        """Return the number of rows that the file has, as far as it has been read; counted before judging."""
        ...

    def open(self) -> None:
        """Take a step to read headings and first row. Raises `EmptyFile`, `WrongColumns` and others."""
        ...

    def take(self) -> Step:
        """Return the rows of one step; may be none before the end."""
        ...

    def close(self) -> None:
        """Release what was opened."""
        ...


def names_of(feed: Feed, headings: Sequence[str]) -> list[str]:
    """Return the columns for the headings of a file; optional ones may be missing. Raises `WrongColumns`."""
    names = [feed.name_of(heading) for heading in headings]
    problems = [
        *(
            (c.name, f"缺少列“{c.chinese}”（{c.name}）")
            for c in feed.columns
            if c.required and c.name not in names
        ),
        *(
            (shown(heading), f"未知的列“{shown(heading)}”")
            for heading, name in zip(headings, names, strict=True)
            if name is None
        ),
        *(
            (name, f"列“{name}”重复")
            for name in dict.fromkeys(n for n in names if n is not None)
            if names.count(name) > 1
        ),
    ]
    if problems:
        raise WrongColumns.of(problems[:100])
    return [name for name in names if name is not None]


def shown(heading: str) -> str:
    """Return a heading or key for a reason, which is stored: where a row is taken for a heading, it has
    numbers of persons.
    """
    text = mask(heading, widely=True)[:64]
    return text if is_storable(text) else "�"


def without_empty_end(headings: Sequence[str]) -> list[str]:
    """Return headings without the empty ones at the end: Excel writes columns that once had something."""
    kept = [heading.strip() for heading in headings[:MAX_COLUMNS]]
    while kept and not kept[-1].strip("\ufeff"):
        kept.pop()
    return kept


def report_columns(headings: Sequence[str]) -> int:
    """Return how many columns at the start belong to the report of a quarantine."""
    given = [heading.strip("\ufeff ") for heading in headings[: len(REPORT_COLUMNS) + 1]]
    for columns in (REPORT_COLUMNS, [REPORT_FILE, *REPORT_COLUMNS]):
        if given[: len(columns)] == columns:
            return len(columns)
    return 0


def texts_of(names: Sequence[str], rows: Sequence[Sequence[str]]) -> dict[str, pa.Array]:
    """Return the columns of rows, each of which has a field for each name, and perhaps more."""
    return {name: pa.array([row[at] for row in rows], pa.string()) for at, name in enumerate(names)}
