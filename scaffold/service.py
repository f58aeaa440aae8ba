"""`make new-service NAME=`: write a service without features, and add it wherever services are listed."""

import os
import re
import subprocess
import sys
from pathlib import Path
from string import Template

from scaffold.members import ROOT, Members, places
from scaffold.names import BadName, Names, camel, checked
from scaffold.writing import Written, copied

# The template's port, which no service uses.
_TEMPLATE_PORT = "8000"


def add_service(name: str, *, label: str | None = None, root: Path = ROOT) -> Written:
    """Write service `name`: code, tests, first migration, and entries in other files. Raises `BadName`."""
    members = Members.load(root)
    # No underscores, because the name is used in host names and environment variables.
    if "_" in checked(name) or name in members.of("all"):
        raise BadName(f"{name!r} is taken, or has an underscore")
    folder = root / "services" / name
    port = max(members.services.values()) + 1
    names = Names(name, label=label or camel(name))
    written = Written(root)
    written.add(copied(folder, names, feature=False))
    settings = folder / "src" / name / "settings.py"
    settings.write_text(settings.read_text().replace(_TEMPLATE_PORT, str(port)))
    for file in _enter(name, names.label, port, root):
        written.changed(file)
    written.add([_first_migration(name, folder, root)])
    return written


def _enter(name: str, label: str, port: int, root: Path) -> list[Path]:
    """Add the service to members.toml and to every place that repeats it."""
    listed = root / "members.toml"
    listed.write_text(listed.read_text().rstrip("\n") + f"\n{name} = {port}\n")
    values = {"name": name, "NAME": name.upper(), "Name": camel(name), "label": label, "port": str(port)}
    edited = [listed]
    for place in places():
        if place.insert:
            path = root / place.file
            text = path.read_text(encoding="utf-8")
            _, end = place.span(text)
            added = Template(place.insert).substitute(values)
            path.write_text(text[:end] + added + text[end:], encoding="utf-8")
            edited.append(path)
    return edited


def _first_migration(name: str, folder: Path, root: Path) -> Path:
    """Render the migration that creates the libraries' tables from the current models."""
    sources = [root / "services" / name / "src", *sorted(root.glob("libs/*/src"))]
    done = subprocess.run(  # noqa: S603 - our own module
        [sys.executable, "-m", "scaffold.first_migration", name],
        cwd=root,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(map(str, [*sources, ROOT]))},
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        raise BadName(f"the first migration of {name}: {done.stderr[-2000:]}")
    path = folder / "migrations" / "versions" / "0001_first.py"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(re.sub(r"[ \t]+\n", "\n", done.stdout).rstrip("\n") + "\n")
    return path
