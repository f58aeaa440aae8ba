"""Changelog fragments are well-formed, and towncrier takes every one of them (changelog.d/README.md)."""

import re
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
FOLDER = ROOT / "changelog.d"
TOWNCRIER = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["towncrier"]
TYPES = [kind["directory"] for kind in TOWNCRIER["type"]]
NAME = re.compile(rf"(\d+|\+[a-z0-9]+(-[a-z0-9]+)*)\.({'|'.join(TYPES)})\.md")
MAX_LINES = 5


def malformed(folder: Path) -> list[str]:
    """What is wrong with the fragments in `folder`, one line each."""
    found = []
    for path in sorted(folder.iterdir()):
        if path.name in TOWNCRIER["ignore"]:
            continue
        text = path.read_text(encoding="utf-8")
        if not NAME.fullmatch(path.name):
            found.append(f"{path.name}: the name is not <issue>.<type>.md or +<words>.<type>.md")
        elif not text.strip():
            found.append(f"{path.name}: empty")
        elif not re.match(r"\*\*[^*]+\*\*: \S", text):
            found.append(f"{path.name}: does not begin with the part, as in `**Office**: …`")
        elif not text.rstrip().endswith("."):
            found.append(f"{path.name}: does not end with a full sentence")
        elif len(text.strip().splitlines()) > MAX_LINES:
            found.append(f"{path.name}: longer than {MAX_LINES} lines")
        elif re.search(r"^(#|- |\* )", text, re.MULTILINE):
            found.append(f"{path.name}: has a heading or a list of its own")
    return found


def test_every_fragment_is_well_formed() -> None:
    found = malformed(FOLDER)
    assert not found, "\n" + "\n".join(found)


def test_towncrier_takes_every_fragment() -> None:
    command = [sys.executable, "-m", "towncrier", "build", "--draft", "--version", "0.0.0"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=60, check=True)
    said = " ".join(done.stdout.split())
    for path in FOLDER.glob("*.*.md"):
        assert " ".join(path.read_text(encoding="utf-8").split()) in said, path.name


def test_a_release_moves_the_fragments_into_the_changelog(tmp_path: Path) -> None:
    shutil.copy(ROOT / "pyproject.toml", tmp_path)
    shutil.copy(ROOT / "CHANGELOG.md", tmp_path)
    (tmp_path / "changelog.d").mkdir()
    (tmp_path / "changelog.d" / "+one.fixed.md").write_text("**Office**: One is fixed.\n")
    command = [
        sys.executable,
        "-m",
        "towncrier",
        "build",
        "--yes",
        "--version",
        "9.9.9",
        "--date",
        "2030-01-01",
    ]
    subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, timeout=60, check=True)
    written = (tmp_path / "CHANGELOG.md").read_text()
    before, _, after = written.partition("## [9.9.9] - 2030-01-01\n")
    assert before.startswith("# Changelog")
    assert after.index("- **Office**: One is fixed.") < after.index("## First cut")
    assert list((tmp_path / "changelog.d").iterdir()) == []


@pytest.mark.parametrize(
    ("name", "text", "said"),
    [
        ("notices.added.md", "**Office**: A.\n", "name"),
        ("+notices.new.md", "**Office**: A.\n", "name"),
        ("+Notices.added.md", "**Office**: A.\n", "name"),
        ("+notices.added.txt", "**Office**: A.\n", "name"),
        ("12.added.md", "\n", "empty"),
        ("12.added.md", "Notices.\n", "part"),
        ("12.added.md", "**Office**: Notices\n", "sentence"),
        ("12.added.md", "**Office**: A.\n" * 6, "longer"),
        ("12.added.md", "**Office**: A.\n# B.\n", "heading"),
    ],
)
def test_a_malformed_fragment_is_found(tmp_path: Path, name: str, text: str, said: str) -> None:
    (tmp_path / name).write_text(text)
    [found] = malformed(tmp_path)
    assert found.startswith(f"{name}: ")
    assert said in found


@pytest.mark.parametrize("name", ["12.added.md", "+notices.fixed.md", "+two-words.security.md"])
def test_a_well_formed_fragment_is_let_through(tmp_path: Path, name: str) -> None:
    (tmp_path / name).write_text("**Office**: Notices are\nkept.\n")
    assert malformed(tmp_path) == []
