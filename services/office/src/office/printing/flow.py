"""Rich text as a flat list of blocks for the printer. Pure functions.

The printer's language limits the depth of calls, so nothing in the result is nested: items of nested lists
have a level, and a table within a table becomes paragraphs of its cell.
"""

from dataclasses import dataclass, field
from html.parser import HTMLParser
from typing import Any, Final

Run = dict[str, Any]
Block = dict[str, Any]

_HEADINGS: Final = frozenset({"h2", "h3", "h4"})
_STYLES: Final = {
    "strong": "b",
    "b": "b",
    "em": "i",
    "i": "i",
    "u": "u",
    "s": "s",
    "sub": "sub",
    "sup": "sup",
}
_BREAKING: Final = frozenset({"p", "blockquote", "caption", "hr", "div"}) | _HEADINGS
MAX_COLUMNS: Final = 40
MAX_SPAN_ROWS: Final = 500


@dataclass
class _Cell:
    head: bool
    colspan: int
    rowspan: int
    align: str | None
    blocks: list[Block] = field(default_factory=list)


@dataclass
class _Table:
    rows: list[tuple[bool, list[_Cell]]] = field(default_factory=list)
    in_head: bool = False
    inner: int = 0


@dataclass
class _List:
    ordered: bool
    next: int


def blocks_of(html: str) -> list[Block]:
    """Return the blocks of sanitised HTML: paragraphs, headings, list items, rules and tables."""
    reader = _Flow()
    reader.feed(html)
    reader.close()
    reader.flush()
    return reader.blocks


class _Flow(HTMLParser):
    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.blocks: list[Block] = []
        self._runs: list[Run] = []
        self._kind = "p"
        self._align: str | None = None
        self._styles: list[str] = []
        self._links: list[str | None] = []
        self._lists: list[_List] = []
        self._marker: str | None = None
        self._quotes = 0
        self._table: _Table | None = None
        self._cell: _Cell | None = None

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = dict(attrs)
        if tag == "br":
            self._runs.append({"br": True})
        elif tag in _STYLES:
            self._styles.append(_STYLES[tag])
        elif tag == "a":
            self._links.append(given.get("href"))
        elif tag in {"ul", "ol"}:
            self.flush()
            self._lists.append(_List(tag == "ol", _number(given.get("start"))))
        elif tag == "li":
            self.flush()
            self._marker = self._next_marker()
        elif tag in _BREAKING:
            self.flush()
            self._kind = tag if tag in _HEADINGS else "p"
            self._align = _align(given)
            self._quotes += tag == "blockquote"
            if tag == "hr":
                self._put({"kind": "rule"})
        else:
            self._start_of_table(tag, given)

    def handle_endtag(self, tag: str) -> None:
        if tag in _STYLES:
            if _STYLES[tag] in self._styles:
                self._styles.remove(_STYLES[tag])
        elif tag == "a":
            if self._links:
                self._links.pop()
        elif tag in {"ul", "ol"}:
            self.flush()
            if self._lists:
                self._lists.pop()
        elif tag == "li" or tag in _BREAKING:
            self.flush()
            self._kind, self._align = "p", None
            self._marker = None if tag == "li" else self._marker
            self._quotes -= tag == "blockquote"
        else:
            self._end_of_table(tag)

    def handle_data(self, data: str) -> None:
        text = " ".join(data.split())
        if not text:
            text = " " if data and self._runs else ""
        else:
            text = (
                f"{' ' if data[0].isspace() and self._runs else ''}{text}{' ' if data[-1].isspace() else ''}"
            )
        if text:
            run: Run = {"text": text, **dict.fromkeys(self._styles, True)}
            if self._links and self._links[-1]:
                run["link"] = self._links[-1]
            self._runs.append(run)

    def flush(self) -> None:
        """End the present paragraph."""
        while self._runs and ("br" in self._runs[-1] or not self._runs[-1]["text"].strip()):
            self._runs.pop()
        if self._runs:
            block: Block = {"kind": self._kind, "runs": self._runs, "align": self._align}
            if self._lists:
                block |= {"kind": "item", "level": len(self._lists), "marker": self._marker or ""}
                self._marker = None
            elif self._quotes:
                block |= {"kind": "quote"}
            self._put(block)
        self._runs = []

    def _put(self, block: Block) -> None:
        (self.blocks if self._cell is None else self._cell.blocks).append(block)

    def _next_marker(self) -> str:
        if not self._lists:
            return "•"
        here = self._lists[-1]
        if not here.ordered:
            return ("•", "◦", "▪")[min(len(self._lists), 3) - 1]
        here.next += 1
        depth = sum(one.ordered for one in self._lists)
        number = here.next - 1
        return f"{number}." if depth == 1 else f"({number})" if depth == 2 else f"{number})"

    def _start_of_table(self, tag: str, given: dict[str, str | None]) -> None:
        self.flush()
        if tag == "table":
            if self._table is None:
                self._table = _Table()
            else:
                self._table.inner += 1
        elif self._table is None or self._table.inner:
            return
        elif tag == "thead":
            self._table.in_head = True
        elif tag == "tr":
            self._table.rows.append((self._table.in_head, []))
        elif tag in {"td", "th"}:
            if not self._table.rows:
                self._table.rows.append((self._table.in_head, []))
            self._cell = _Cell(
                head=tag == "th",
                colspan=_number(given.get("colspan")),
                rowspan=_number(given.get("rowspan")),
                align=_align(given),
            )
            self._table.rows[-1][1].append(self._cell)

    def _end_of_table(self, tag: str) -> None:
        self.flush()
        if self._table is None:
            return
        if tag == "table":
            if self._table.inner:
                self._table.inner -= 1
                return
            table, self._table, self._cell = self._table, None, None
            block = _table(table)
            if block is not None:
                self.blocks.append(block)
        elif self._table.inner:
            return
        elif tag == "thead":
            self._table.in_head = False
        elif tag in {"td", "th"}:
            self._cell = None


def _table(table: _Table) -> Block | None:
    """Return the table with the place of each cell; spans are cut so that cells never overlap."""
    rows = [row for row in table.rows if row[1]]
    head = 0
    while head < len(rows) and rows[head][0]:
        head += 1
    taken: set[tuple[int, int]] = set()
    cells: list[dict[str, Any]] = []
    widths: dict[int, int] = {}
    for y, (_, row) in enumerate(rows):
        last = head if y < head else len(rows)
        x = 0
        for cell in row:
            while (x, y) in taken:
                x += 1
            if x >= MAX_COLUMNS:
                break
            width = 1
            while width < cell.colspan and x + width < MAX_COLUMNS and (x + width, y) not in taken:
                width += 1
            height = max(1, min(cell.rowspan, last - y, MAX_SPAN_ROWS))
            taken |= {(x + dx, y + dy) for dx in range(width) for dy in range(height)}
            if width == 1:
                widths[x] = max(widths.get(x, 0), _longest(cell.blocks))
            cells.append(
                {
                    "x": x,
                    "y": y,
                    "colspan": width,
                    "rowspan": height,
                    "head": cell.head,
                    "align": cell.align,
                    "blocks": cell.blocks,
                }
            )
            x += width
    if not cells:
        return None
    columns = max(x for x, _ in taken) + 1
    return {
        "kind": "table",
        "widths": [min(max(widths.get(x, 4), 2), 20) for x in range(columns)],
        "rows": len(rows),
        "head": head if head < len(rows) else 0,
        "cells": cells,
    }


def _longest(blocks: list[Block]) -> int:
    return max(
        (sum(len(run.get("text", "")) for run in block.get("runs", ())) for block in blocks), default=0
    )


def _number(value: str | None) -> int:
    return int(value) if value is not None and value.isascii() and value.isdigit() else 1


def _align(given: dict[str, str | None]) -> str | None:
    style = given.get("style") or ""
    found = style.removeprefix("text-align:")
    return found if found != style and found in {"left", "center", "right"} else None
