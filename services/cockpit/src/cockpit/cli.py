"""Commands of Cockpit: the standard service commands and `verify`."""

import argparse
import asyncio
import sys
from collections.abc import Sequence

from cockpit.app import build
from cockpit.base import MIGRATIONS, tables
from cockpit.cells import cli as cells
from cockpit.cells.dimensions import Tree
from cockpit.cells.feeds import CELL_FEEDS
from cockpit.restoring import restored
from cockpit.settings import Settings
from messaging import cli
from servicekit import logs

SERVICE = cli.Service(
    "cockpit",
    Settings,
    build,
    MIGRATIONS,
    tables,
    restored=restored,
    owned=lambda settings: settings.facts_folder,
)


def run(argv: Sequence[str] | None = None) -> int:
    """Run a command and return the exit status."""
    given = list(sys.argv[1:] if argv is None else argv)
    if given[:1] == ["verify"]:
        return _verify(given[1:])
    return cli.main(SERVICE, given)


def _verify(argv: Sequence[str]) -> int:
    parser = argparse.ArgumentParser(
        prog="python -m cockpit verify", description="Recompute figures from the facts and compare."
    )
    parser.add_argument("unit", nargs="?", help="code of a unit or region; without it, a random sample")
    parser.add_argument("year", nargs="?", type=int, help="calendar year")
    parser.add_argument("--feed", choices=list(CELL_FEEDS), help="without it, all feeds")
    parser.add_argument("--tree", choices=[tree.value for tree in Tree], default=Tree.AUTHORITY.value)
    arguments = parser.parse_args(argv)
    if (arguments.unit is None) != (arguments.year is None):
        parser.error("give a unit and a year, or neither")
    settings = Settings()
    logs.configure(json=settings.log_json, level=settings.log_level)
    feeds = list(CELL_FEEDS) if arguments.feed is None else [arguments.feed]
    return asyncio.run(cells.verify(settings, feeds, Tree(arguments.tree), arguments.unit, arguments.year))
