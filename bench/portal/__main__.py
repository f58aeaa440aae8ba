"""Measure the portal's pages in a browser; see docs/benchmarks.md.

    make bench-portal ARGS=--quick

Other options are those of `bench.cockpit` about its facts: `--facts`, `--within`, `--schools`, `--keep`; a
world that it has kept is used as it is. Without any of them the facts are few.
"""

import argparse
import asyncio
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from bench.cockpit.__main__ import arguments as arguments_of_cockpit
from bench.cockpit.filling import fill
from bench.cockpit.serving import served
from bench.cockpit.world import units
from bench.common.servers import on_server
from bench.common.statistics import percentile
from bench.common.tables import machine, program_version, table, write
from bench.portal.pages import MODEST, PLAIN, Line, changes, first_view, opened, signed_in
from bench.portal.world import running
from cockpit.base import MIGRATIONS
from onebox import web
from servicekit.migrations import upgrade
from testkit.backends import chromium, first_available
from testkit.browsers import running as browsing

if TYPE_CHECKING:
    from playwright.async_api import Browser

PLACE = "370000"


def arguments(argv: Sequence[str] | None = None) -> tuple[argparse.Namespace, argparse.Namespace]:
    """Parse the command line: what is measured, and the facts of the cockpit."""
    parser = argparse.ArgumentParser(prog="python -m bench.portal", description=__doc__)
    parser.add_argument("--runs", type=int, default=20, help="how often each page is opened (20)")
    parser.add_argument("--quick", action="store_true", help="3 runs, few facts")
    parser.add_argument("--write", action="store_true", help="put the tables into docs/benchmarks.md")
    given, facts = parser.parse_known_args(argv)
    if given.quick:
        given.runs = 3
    return given, arguments_of_cockpit(facts or ["--quick"])


def _spread(times: Sequence[float]) -> list[str]:
    return [f"{percentile(times, 0.5):,.0f}", f"{percentile(times, 0.95):,.0f}"]


async def first_views(browser: "Browser", url: str, line: Line, runs: int) -> list[list[str]]:
    """Return a row for each kind of first view; each run has a browser profile of its own."""
    found: dict[str, list[dict[str, Any]]] = {"sign-in": [], "home": [], "home, files kept": []}
    for _ in range(runs):
        async with opened(browser, line) as page:
            found["sign-in"].append(await first_view(page, f"{url}/sign-in"))
        async with opened(browser, line) as page:
            await signed_in(page, url)
            found["home"].append(await first_view(page, f"{url}/"))
            found["home, files kept"].append(await first_view(page, f"{url}/"))
    rows = []
    for name, views in found.items():
        shown, interactive = ([view[key] for view in views] for key in ("shown", "interactive"))
        bytes_ = max(view["bytes"] for view in views) / 1024
        rows.append([f"{name}, {line.name}", f"{bytes_:,.0f}", *_spread(shown), *_spread(interactive)])
        sys.stderr.write("  ".join(rows[-1]) + "\n")
    return rows


async def page_changes(browser: "Browser", url: str, line: Line, runs: int) -> list[list[str]]:
    """Return a row for each kind of change between pages of the cockpit."""
    names = {
        "first": "another module, first time",
        "again": "another module, again",
        "below": "a place below",
    }
    async with opened(browser, line) as page:
        await signed_in(page, url)
        found = await changes(page, url, runs)
    rows = [[f"{names[kind]}, {line.name}", *_spread(times)] for kind, times in found.items()]
    for row in rows:
        sys.stderr.write("  ".join(row) + "\n")
    return rows


async def main(given: argparse.Namespace, facts: argparse.Namespace, server: str) -> None:
    """Fill the cockpit, measure, print the results."""
    await upgrade(MIGRATIONS, server)
    world = units(facts.schools)
    program = Path(first_available("chromium", chromium.WAYS).url)
    with tempfile.TemporaryDirectory(prefix="zhuxue-bench-portal-") as temporary:
        folder = Path(temporary) / "chdb" if facts.keep is None else facts.keep / "chdb"
        await asyncio.to_thread(folder.mkdir, parents=True, exist_ok=True)
        async with served(server, str(folder)) as cockpit:
            filled = await fill(cockpit, facts, world)
            async with running(server, temporary, cockpit, world[PLACE]) as url, browsing(program) as browser:
                views, clicks = [], []
                for line in (MODEST, PLAIN):
                    views += await first_views(browser, url, line, given.runs)
                    clicks += await page_changes(browser, url, line, given.runs)
    lines = [
        (
            f"`make bench-portal`, {filled.facts:,} facts, {given.runs} runs, {machine()};"
            f" {program_version(program)}."
        ),
        "",
        *table(
            [
                "first view",
                "JavaScript (KiB)",
                "shown, p50 (ms)",
                "p95 (ms)",
                "interactive, p50 (ms)",
                "p95 (ms)",
            ],
            views,
        ),
        "",
        *table(["page of the cockpit, click to figures", "p50 (ms)", "p95 (ms)"], clicks),
    ]
    sys.stdout.write("\n".join(lines) + "\n")
    if given.write:
        write("portal", "\n".join(lines))


if __name__ == "__main__":
    options, of_cockpit = arguments()
    web.build()
    kept = None if of_cockpit.keep is None else of_cockpit.keep.resolve() / "postgresql"
    on_server(lambda url: main(options, of_cockpit, url), kept)
