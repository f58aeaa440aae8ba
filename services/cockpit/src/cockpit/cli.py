"""Commands of Cockpit: the standard service commands and `verify`."""

import argparse
import asyncio
import sys
from collections.abc import Sequence

from cockpit.app import build
from cockpit.base import MIGRATIONS, tables
from cockpit.cells import cli as cells
from cockpit.cells.facts import AWARDS, CELL_FEEDS
from cockpit.settings import Settings
from messaging import cli
from servicekit import logs

SERVICE = cli.Service("cockpit", Settings, build, MIGRATIONS, tables)


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
    parser.add_argument("unit", nargs="?", help="code of a unit; without it, a random sample")
    parser.add_argument("year", nargs="?", type=int, help="calendar year")
    parser.add_argument("--feed", choices=list(CELL_FEEDS), default=AWARDS.name)
    arguments = parser.parse_args(argv)
    if (arguments.unit is None) != (arguments.year is None):
        parser.error("give a unit and a year, or neither")
    settings = Settings()
    logs.configure(json=settings.log_json, level=settings.log_level)
    return asyncio.run(cells.verify(settings, arguments.feed, arguments.unit, arguments.year))
