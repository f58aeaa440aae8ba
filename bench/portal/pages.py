"""What a browser measures of the portal's pages: from the address, or from a click, to what can be used."""

import contextlib
from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from bench.portal.world import SIGN_IN
from testkit.browsers import DESKTOP, PATIENCE, Watched, profile

if TYPE_CHECKING:
    from playwright.async_api import Browser, Page

MODULES = {"overview": "资助概览", "hardship": "困难学生", "students": "资助学生", "funds": "资助资金"}

# Runs before the scripts of a page. A page is shown once it has its heading and nothing is loading.
_WATCH = """(() => {
  const QUIET = 500;
  const bench = (window.bench = { busy: 0 });
  new PerformanceObserver((list) => {
    for (const one of list.getEntries()) bench.busy = Math.max(bench.busy, one.startTime + one.duration);
  }).observe({ type: 'longtask', buffered: true });
  const pause = (ms) => new Promise((done) => setTimeout(done, ms));
  bench.ready = (more) => {
    const main = document.getElementById('main');
    if (!main?.querySelector('h1') || main.querySelector('.loading, [aria-busy=true]')) return false;
    return !more || main.querySelector(more) !== null;
  };
  bench.until = async (more, also = () => true) => {
    while (!(also() && bench.ready(more))) await new Promise(requestAnimationFrame);
    await new Promise(requestAnimationFrame);
    return performance.now();
  };
  // Interactive: once no task of 50 ms or more has come for a while.
  bench.first = bench.until().then(async (shown) => {
    let quiet;
    do {
      quiet = bench.busy;
      await pause(QUIET);
    } while (bench.busy !== quiet);
    return { shown, interactive: Math.max(shown, bench.busy) };
  });
})()"""
_FIRST = """async () => {
  const times = await bench.first;
  const files = performance.getEntriesByType('resource').filter((one) => one.name.endsWith('.js'));
  const bytes = files.reduce((sum, one) => sum + one.transferSize, 0);
  return { ...times, bytes };
}"""
_CLICK = """async (label) => {
  const links = document.querySelectorAll('#main .cockpit-tabs a, #main table.children th a');
  const heading = () => document.querySelector('#main h1')?.innerText;
  const before = heading();
  const begun = performance.now();
  [...links].find((one) => one.innerText.trim() === label).click();
  return (await bench.until('.figure-tile .figure', () => heading() !== before)) - begun;
}"""
_BELOW = "document.querySelector('#main table.children tbody tr:not(.sum) th a')?.innerText.trim()"


@dataclass(frozen=True)
class Line:
    """A network and a processor, by the means of Chromium."""

    name: str
    megabits: float
    rtt_ms: float
    slower: float


MODEST = Line("20 Mbit/s, 40 ms, processor ÷ 4", 20, 40, 4)
PLAIN = Line("as it is", 0, 0, 1)


@contextlib.asynccontextmanager
async def opened(browser: "Browser", line: Line) -> AsyncIterator["Page"]:
    """Open a page in a profile of its own, behind a line."""
    watched = Watched()
    context = await profile(browser, DESKTOP, scripts=True, watched=watched)
    await context.add_init_script(_WATCH)
    page = await context.new_page()
    devtools = await context.new_cdp_session(page)
    if line is not PLAIN:
        bytes_a_second = line.megabits * 1e6 / 8
        await devtools.send("Network.enable")
        await devtools.send(
            "Network.emulateNetworkConditions",
            {
                "offline": False,
                "latency": line.rtt_ms,
                "downloadThroughput": bytes_a_second,
                "uploadThroughput": bytes_a_second,
            },
        )
        await devtools.send("Emulation.setCPUThrottlingRate", {"rate": line.slower})
    try:
        yield page
    finally:
        await context.close()
    if watched.faults:
        raise RuntimeError("; ".join(watched.faults))


async def signed_in(page: "Page", url: str) -> None:
    """Give the browser the session."""
    await page.goto(url + SIGN_IN)


async def first_view(page: "Page", address: str) -> dict[str, Any]:
    """Open an address; return the milliseconds until it is shown and interactive, and its JavaScript."""
    await page.goto(address, wait_until="commit", timeout=PATIENCE * 1000)
    found: dict[str, Any] = await page.evaluate(_FIRST)
    return found


async def changes(page: "Page", url: str, runs: int) -> dict[str, list[float]]:
    """Go through the pages of the cockpit by clicks; return the milliseconds until the figures are shown."""
    await page.goto(f"{url}/cockpit/overview")
    await page.evaluate("bench.until('.figure-tile .figure')")
    found: dict[str, list[float]] = {"first": [], "again": [], "below": []}
    for run in range(runs + 1):
        for module in ("hardship", "students", "funds", "overview"):
            took = await page.evaluate(_CLICK, MODULES[module])
            found["again" if run else "first"].append(took)
    for _ in range(runs):
        below = await page.evaluate(_BELOW)
        if below is None:
            raise RuntimeError("the place has none below it")
        found["below"].append(await page.evaluate(_CLICK, below))
        await page.go_back()
        await page.evaluate("bench.until('.figure-tile .figure')")
    return found
