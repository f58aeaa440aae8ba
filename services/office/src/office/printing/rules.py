"""How the elements of a document are written in print (GB/T 9704-2012 §7). Pure functions."""

from datetime import datetime
from typing import Final

from servicekit.clock import SHANGHAI

TITLE_LINE: Final = 20
"""Characters of 2号 in the 156 mm of a line."""
MAX_PAGES: Final = 300
SECONDS: Final = 30
"""How long one document may take."""

_OPENING: Final = frozenset("“‘（《〈【〔「『(")
_CLOSING: Final = frozenset("”’）》〉】〕」』)，。、；：？！…—")


def date_of(instant: datetime) -> str:
    """Return the day in Beijing as in 成文日期: 2023年4月27日, without zeros (§7.3.5.4)."""
    day = instant.astimezone(SHANGHAI)
    return f"{day.year}年{day.month}月{day.day}日"


def title_lines(title: str) -> list[str]:
    """Return the title in lines of nearly the same length, not broken within names and numbers (§7.3.1)."""
    lines = -(-len(title) // TITLE_LINE) or 1
    found: list[str] = []
    rest = title
    for left in range(lines, 1, -1):
        cut = _cut(rest, round(len(rest) / left))
        found.append(rest[:cut].strip())
        rest = rest[cut:]
    return [*found, rest.strip()]


def salutation(text: str | None) -> str:
    """Return 主送机关 with the colon that ends it."""
    return (text or "各有关单位").rstrip(" ：:。") + "："


def ended(text: str) -> str:
    """Return a text that ends with a full stop, as 抄送 does."""
    return text.rstrip(" 。.") + "。"


def _cut(text: str, near: int) -> int:
    places = range(max(1, near - 5), min(len(text) - 1, near + 5, TITLE_LINE) + 1)
    return min(places, key=lambda place: _badness(text, place) + abs(place - near), default=near)


def _badness(text: str, place: int) -> int:
    before, after = text[place - 1], text[place]
    bad = 0
    if before in _OPENING or after in _CLOSING:
        bad += 50
    if before.isascii() and after.isascii() and before.isalnum() and after.isalnum():
        bad += 50
    if text[:place].count("《") > text[:place].count("》"):
        bad += 8
    if before in "的和与及、":
        bad -= 2
    return bad
