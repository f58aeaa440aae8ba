"""Documents with a Chinese edition: both editions have the same headings, tables and code blocks."""

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
EDITIONS = {
    "README.md": "README.zh-CN.md",
    "docs/integration.md": "docs/zh-CN/integration.md",
    "docs/operators.md": "docs/zh-CN/operators.md",
    "docs/compliance.md": "docs/zh-CN/compliance.md",
    "docs/runbooks.md": "docs/zh-CN/runbooks.md",
}
CODE_BLOCK = re.compile(r"^```.*?^```$", re.MULTILINE | re.DOTALL)
COMMENT = re.compile(r"(^|\s)#\s.*$", re.MULTILINE)
HEADING = re.compile(r"^(#{1,6}) .+$", re.MULTILINE)
CODE_SPAN = re.compile(r"`([^`\n]+)`")
# Generated content that exists once, in the English edition.
GENERATED = re.compile(r"<!-- measured: begin -->.*?<!-- measured: end -->", re.DOTALL)


def text_of(path: str) -> str:
    return GENERATED.sub("", (ROOT / path).read_text(encoding="utf-8"))


def heading_levels(text: str) -> list[int]:
    return [len(level) for level in HEADING.findall(CODE_BLOCK.sub("", text))]


def code_blocks(text: str) -> list[str]:
    """Return the code blocks; comments of shell commands may be translated."""
    return [
        COMMENT.sub("", block).replace(" \n", "\n") if block.startswith(("```sh", "```console")) else block
        for block in CODE_BLOCK.findall(text)
    ]


def tables(text: str) -> list[list[tuple[int, list[str]]]]:
    """Return per table and row: the number of cells, and the code in the first cell."""
    found: list[list[tuple[int, list[str]]]] = []
    inside = False
    for line in CODE_BLOCK.sub("", text).splitlines():
        if not line.startswith("|"):
            inside = False
            continue
        if not inside:
            found.append([])
            inside = True
        cells = line.strip().strip("|").split("|")
        found[-1].append((len(cells), CODE_SPAN.findall(cells[0])))
    return found


@pytest.mark.parametrize("english", EDITIONS)
def test_both_editions_have_the_same_headings(english: str) -> None:
    assert heading_levels(text_of(EDITIONS[english])) == heading_levels(text_of(english))


@pytest.mark.parametrize("english", EDITIONS)
def test_both_editions_have_the_same_tables(english: str) -> None:
    assert tables(text_of(EDITIONS[english])) == tables(text_of(english))


@pytest.mark.parametrize("english", EDITIONS)
def test_both_editions_have_the_same_code_blocks(english: str) -> None:
    assert code_blocks(text_of(EDITIONS[english])) == code_blocks(text_of(english))


def test_a_missing_heading_row_or_changed_command_is_noticed() -> None:
    text = "# A\n\n| `x` | b |\n|---|---|\n\n```sh\nmake run  # starts\n```\n"
    assert heading_levels(text) != heading_levels(text + "\n## B\n")
    assert tables(text) != tables(text.replace("| `x` | b |", "| `y` | b |"))
    assert code_blocks(text) == code_blocks(text.replace("# starts", "# 启动"))
    assert code_blocks(text) != code_blocks(text.replace("make run", "make demo"))
