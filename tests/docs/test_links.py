"""What the documents point to exists, and nothing in them is true on one machine only."""

import os
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
BUILT = {"node_modules", "build", "dist"}


def documents() -> Iterator[Path]:
    """Every document of the repository; folders with thousands of files of others are not entered."""
    for folder, folders, files in os.walk(ROOT):
        folders[:] = [one for one in folders if not one.startswith(".") and one not in BUILT]
        yield from (Path(folder, one) for one in files if one.endswith(".md"))


DOCUMENTS = sorted(documents())
CODE_BLOCK = re.compile(r"^```.*?^```$", re.MULTILINE | re.DOTALL)
CODE_SPAN = re.compile(r"`[^`\n]*`")
LINK = re.compile(r"\[[^\]\n]*\]\(([^)\s]+)(?: \"[^\"]*\")?\)")
HEADING = re.compile(r"^#{1,6} (.+)$", re.MULTILINE)
# A file of the repository named in code, e.g. `libs/messaging/tests/test_crash.py`.
FILE = re.compile(
    r"`((?:bench|docs|libs|onebox|services|tests|deploy|requirements)/[\w./-]+\.(?:py|md|json|sh|yaml|txt|csv|toml))`"
)

FOREIGN = {
    "package index": re.compile(
        r"\bpypi\.|pythonhosted|/simple\b|registry\.npm|--(?:extra-)?index-url", re.IGNORECASE
    ),
    "absolute path of a machine": re.compile(
        r"(?<![\w.}>/:-])(?:/(?:home|root|Users|work|workspace|mnt)/|[A-Z]:\\)"
    ),
}


def identified(path: Path) -> str:
    return str(path.relative_to(ROOT))


def anchors(path: Path) -> set[str]:
    """The anchors that headings get: lower case, punctuation gone, spaces to hyphens."""
    headings = HEADING.findall(CODE_BLOCK.sub("", path.read_text()))
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


def broken(document: Path) -> list[str]:
    found = []
    text = CODE_SPAN.sub("", CODE_BLOCK.sub("", document.read_text()))
    for target in LINK.findall(text):
        if re.match(r"[a-z][a-z0-9+.-]*:", target):
            continue
        place, _, anchor = target.partition("#")
        path = (document.parent / place).resolve() if place else document
        there = path.is_relative_to(ROOT) and path.exists()
        if not there or (anchor and path.suffix == ".md" and anchor not in anchors(path)):
            found.append(target)
    return found


def test_there_are_documents() -> None:
    assert ROOT / "docs" / "operators.md" in DOCUMENTS


@pytest.mark.parametrize("document", DOCUMENTS, ids=identified)
def test_every_relative_link_leads_to_a_file_and_heading(document: Path) -> None:
    assert broken(document) == []


@pytest.mark.parametrize("document", DOCUMENTS, ids=identified)
def test_every_file_named_in_code_exists(document: Path) -> None:
    named = set(FILE.findall(document.read_text()))
    assert [name for name in sorted(named) if not (ROOT / name).exists()] == []


@pytest.mark.parametrize("document", DOCUMENTS, ids=identified)
def test_nothing_is_true_on_one_machine_only(document: Path) -> None:
    text = document.read_text()
    assert {what: found[0] for what, pattern in FOREIGN.items() if (found := pattern.search(text))} == {}


def test_a_broken_link_is_found(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(f"{__name__}.ROOT", tmp_path)
    page = tmp_path / "page.md"
    page.write_text(
        "# One heading\n[a](page.md#one-heading) [b](gone.md) [c](#two) [d](../x) "
        "[e](https://example.org) `[f](g)`"
    )
    assert broken(page) == ["gone.md", "#two", "../x"]
