"""Write files from templates, formatted in the style of the workspace."""

import subprocess
import sys
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path

from scaffold.names import Names

TEMPLATE = Path(__file__).parent / "template"
"""A service named `sample` with a feature named `widgets`: real files, checked like all others."""


@dataclass
class Written:
    """Record the files that a command has created and changed."""

    root: Path
    new: list[Path] = field(default_factory=list)
    edited: list[Path] = field(default_factory=list)

    def add(self, paths: Iterable[Path]) -> None:
        """Record created files."""
        self.new.extend(paths)

    def changed(self, path: Path) -> None:
        """Record a changed file."""
        if path not in self.edited:
            self.edited.append(path)

    def format(self) -> None:
        """Sort imports and format, because names of other lengths change the line breaks."""
        python = [str(path) for path in (*self.new, *self.edited) if path.suffix == ".py"]
        ruff = [sys.executable, "-m", "ruff"]
        for command in (["check", "--fix-only", "--quiet"], ["format", "--quiet"]):
            subprocess.run([*ruff, *command, *python], cwd=self.root, check=True)  # noqa: S603 - our own files

    def lines(self) -> list[str]:
        """Return the written files, one line each."""
        new = [f"  new      {path.relative_to(self.root)}" for path in sorted(self.new)]
        return new + [f"  changed  {path.relative_to(self.root)}" for path in sorted(self.edited)]


def copied(target: Path, names: Names, *, feature: bool) -> list[Path]:
    """Copy the template's feature, or all other files, to `target`, replacing names in paths and texts."""
    made = []
    for path in sorted(TEMPLATE.rglob("*")):
        relative = path.relative_to(TEMPLATE).as_posix()
        if path.is_dir() or "__pycache__" in path.parts or ("widgets" in relative) is not feature:
            continue
        copy = target / names.apply(relative)
        copy.parent.mkdir(parents=True, exist_ok=True)
        copy.write_text(names.apply(path.read_text()))
        made.append(copy)
    return made
