"""Every test that docs/security.md names exists; every row of its tables names one or says there is none."""

import ast
import re
from functools import cache
from pathlib import Path

import pytest

from testkit.syntax import parse

ROOT = Path(__file__).parents[2]
SECURITY = ROOT / "docs" / "security.md"
NAMED = re.compile(r"`((?:libs|services|tests)/[\w./-]+\.py)::(test_\w+)`")
FILE = re.compile(r"`(?:libs|services|tests)/[\w./-]+\.(?:py|json)`")
# The countermeasures of RFC 9700 §4 go to 4.17.
SECTIONS = {"2.1", "2.1.1", "2.1.2", "2.2.1", "2.2.2", "2.3", "2.4", "2.5", "2.6"} | {
    f"4.{number}" for number in range(1, 18)
}


@cache
def names_in(path: str) -> frozenset[str]:
    tree = parse((ROOT / path).read_text(encoding="utf-8"))
    kinds = ast.FunctionDef | ast.AsyncFunctionDef
    return frozenset(node.name for node in ast.walk(tree) if isinstance(node, kinds))


def missing(text: str) -> list[str]:
    """Named tests that are not there."""
    return [
        f"{path}::{name}"
        for path, name in NAMED.findall(text)
        if not (ROOT / path).exists() or name not in names_in(path)
    ]


def rows(text: str) -> list[list[str]]:
    """The cells of every table's rows."""
    lines = [line for line in text.splitlines() if line.startswith("|")]
    cells = [[cell.strip() for cell in line.strip("|").split("|")] for line in lines]
    return [row for row in cells if row[-1] not in ("Shown by", "---")]


def test_every_test_named_exists() -> None:
    assert missing(SECURITY.read_text(encoding="utf-8")) == []


@pytest.mark.parametrize(
    "row", rows(SECURITY.read_text(encoding="utf-8")), ids=lambda row: " ".join(row[:-1])[:60]
)
def test_every_row_says_what_shows_it(row: list[str]) -> None:
    assert NAMED.search(row[-1]) or FILE.search(row[-1]) or "no test yet" in row[-1]


def test_the_table_of_rfc_9700_is_whole_and_every_row_names_its_test() -> None:
    section = SECURITY.read_text(encoding="utf-8").split("\n## RFC 9700\n")[1].split("\n## ")[0]
    table = rows(section)
    assert {row[0] for row in table} == SECTIONS
    assert [row[:2] for row in table if not NAMED.search(row[-1])] == []


def test_a_test_that_is_gone_is_noticed() -> None:
    assert missing("`tests/docs/test_links.py::test_gone`") == ["tests/docs/test_links.py::test_gone"]
    assert missing("`tests/docs/test_gone.py::test_x`") == ["tests/docs/test_gone.py::test_x"]
