"""Variables in templates: `{{会议时间}}`. Pure functions."""

import html
import re
from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Final

from servicekit.clock import SHANGHAI

NAME: Final = r"[\u4e00-\u9fffA-Za-z0-9_]{1,20}"
_VARIABLE = re.compile(r"\{\{\s*(" + NAME + r")\s*\}\}")

UNIT, SHORT, TODAY, YEAR = "单位名称", "单位简称", "今天", "年度"
BUILT_IN: Final = (UNIT, SHORT, TODAY, YEAR)
"""Variables that are filled without being asked for."""


def variables_in(texts: Iterable[str]) -> list[str]:
    """Return the names of the variables in texts, each once, in their order."""
    return list(dict.fromkeys(name for text in texts for name in _VARIABLE.findall(text)))


def built_in(unit: str, short_name: str, now: datetime) -> dict[str, str]:
    """Return the values of the built-in variables for a unit, today in Beijing."""
    day = now.astimezone(SHANGHAI)
    return {
        UNIT: unit,
        SHORT: short_name,
        TODAY: f"{day.year}年{day.month}月{day.day}日",
        YEAR: str(day.year),
    }


def filled(text: str, values: Mapping[str, str]) -> str:
    """Return a plain text with its variables replaced; one without a value stays as it is."""
    return _VARIABLE.sub(lambda found: values.get(found[1], found[0]), text)


def filled_html(text: str, values: Mapping[str, str]) -> str:
    """Return HTML with its variables replaced: a value is text, and its line breaks are kept."""
    escaped = {name: "<br>".join(html.escape(value).splitlines()) for name, value in values.items()}
    return filled(text, escaped)
