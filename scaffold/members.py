"""The members of the workspace, and the places in other files that repeat their names.

A place is a part of a file in which each member of a kind occurs once. Comparing all places with members.toml
reveals missing entries.
"""

import re
import tomllib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Self

ROOT = Path(__file__).parents[1]


@dataclass(frozen=True)
class Members:
    """The content of members.toml."""

    libs: tuple[str, ...]
    services: dict[str, int]
    """Name and default port."""
    programs: tuple[str, ...]
    front_ends: tuple[str, ...]
    """Services that are no resource servers."""

    @classmethod
    def load(cls, root: Path = ROOT) -> Self:
        """Read members.toml of the workspace at `root`."""
        content = tomllib.loads((root / "members.toml").read_text(encoding="utf-8"))
        return cls(
            tuple(content["libs"]),
            dict(content["services"]),
            tuple(content["programs"]),
            tuple(content["front_ends"]),
        )

    def of(self, kind: str) -> set[str]:
        """Return the names of a kind: `services`, `resource_servers`, `clients` (those that call Identity
        with a secret), `all` or `shipped`.
        """
        resource_servers = set(self.services) - set(self.front_ends)
        return {
            "services": set(self.services),
            "resource_servers": resource_servers,
            "clients": resource_servers - {"identity"},
            "all": {*self.libs, *self.services, *self.programs},
            "shipped": {*self.libs, *self.services, *self.programs} - {"testkit"},
        }[kind]

    def folders(self) -> Iterator[str]:
        """Return the folders of the members, relative to the root."""
        yield from (f"libs/{name}" for name in self.libs)
        yield from (f"services/{name}" for name in self.services)
        yield from self.programs


@dataclass(frozen=True)
class Place:
    """A part of a file that names members."""

    file: str
    kind: str
    names: str
    """A pattern whose group is a name."""
    region: str = r"\A(.*)\Z"
    """A pattern whose group is the part of the file that counts; `.` matches line ends."""
    more: bool = False
    """Whether other names may stand there as well."""
    insert: str = ""
    """What a new service adds at the end of the region: a template of `string.Template`."""

    def span(self, text: str) -> tuple[int, int]:
        """Return the span of the region. Raises ValueError."""
        found = re.search(self.region, text, re.DOTALL | re.MULTILINE)
        if found is None:
            raise ValueError(f"{self.file}: no {self.region!r}")
        return found.span(1)

    def named(self, text: str) -> set[str]:
        """Return the members that the file names, in lower case."""
        begin, end = self.span(text)
        return {name.lower() for name in re.findall(self.names, text[begin:end], re.MULTILINE)}


def places() -> list[Place]:
    """Return all places in the order of scaffold/places.toml."""
    content = tomllib.loads((Path(__file__).parent / "places.toml").read_text(encoding="utf-8"))
    return [Place(**place) for place in content["place"]]


def disagreements(root: Path = ROOT) -> list[str]:
    """Return the differences between members.toml and the other files, one line each."""
    members = Members.load(root)
    found = [
        f"members.toml: {folder} is a folder with a pyproject.toml and not in the list"
        for folder in _folders(root)
        if folder not in set(members.folders())
    ]
    found += [
        f"members.toml: {folder} has no pyproject.toml"
        for folder in members.folders()
        if not (root / folder / "pyproject.toml").is_file()
    ]
    for place in places():
        try:
            named = place.named((root / place.file).read_text(encoding="utf-8"))
        except ValueError as error:
            found.append(str(error))
            continue
        expected = members.of(place.kind)
        found += [f"{place.file}: {name} is missing ({place.names})" for name in sorted(expected - named)]
        extra = set() if place.more else named - expected
        found += [f"{place.file}: {name} is not in members.toml ({place.names})" for name in sorted(extra)]
    return found


def _folders(root: Path) -> Iterator[str]:
    for pattern in ("libs/*/pyproject.toml", "services/*/pyproject.toml", "*/pyproject.toml"):
        yield from (path.parent.relative_to(root).as_posix() for path in sorted(root.glob(pattern)))
