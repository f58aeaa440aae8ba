"""What Prometheus makes of what a service says: before something happens to it, and while it goes on."""

import asyncio
import subprocess
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Any

import httpx
import yaml  # type: ignore[import-untyped]  # the lock has no stubs of it
from fastapi import FastAPI
from prometheus_client.parser import text_string_to_metric_families

from testkit import promql
from testkit.backends import promtool

from .conftest import ROOT

RULES = ROOT / "deploy" / "observability" / "alerts.yml"
MINUTE = timedelta(minutes=1)
EXPRESSIONS: dict[str, str] = {
    rule["alert"]: rule["expr"]
    for group in yaml.safe_load(RULES.read_text(encoding="utf-8"))["groups"]
    for rule in group["rules"]
}
_QUIET = 10
"""Scrapes before it happens."""


@dataclass(frozen=True)
class Scrape:
    """The samples of one scrape, by name and labels as a query writes them; which of them only grow."""

    at: float = field(default_factory=time.time)
    values: dict[str, float] = field(default_factory=dict)
    growing: set[str] = field(default_factory=set)


def read(text: str, job: str, *, up: bool = True) -> Scrape:
    """Return what Prometheus reads from an answer of `/metrics`, with what it adds."""
    scrape = Scrape()
    scrape.values[f'up{{job="{job}"}}'] = float(up)
    for family in text_string_to_metric_families(text):
        for sample in family.samples:
            labels = {**sample.labels, "job": job}
            written = ", ".join(f'{name}="{value}"' for name, value in sorted(labels.items()))
            series = f"{sample.name}{{{written}}}"
            scrape.values[series] = sample.value
            if family.type in {"counter", "histogram", "summary"}:
                scrape.growing.add(series)
    return scrape


Scraping = Callable[[], Awaitable[Scrape]]


def scraping(app: FastAPI, job: str) -> Scraping:
    """Return what scrapes an application in this process."""

    async def scrape() -> Scrape:
        transport = httpx.ASGITransport(app)
        async with httpx.AsyncClient(transport=transport, base_url=f"http://{job}.test") as http:
            return read((await http.get("/metrics")).text, job)

    return scrape


async def scraped_by_name(url: str, job: str, others: Sequence[str]) -> Scrape:
    """Scrape a port beside `others` that run; its name is forgotten if nobody answers, as Docker does it."""
    scrape = await scraped_at(url, job)
    if not scrape.values[f'up{{job="{job}"}}']:
        scrape.values.clear()
    scrape.values.update({f'up{{job="{name}"}}': 1.0 for name in others})
    return scrape


async def scraped_at(url: str, job: str) -> Scrape:
    """Scrape a port, where perhaps nobody answers."""
    try:
        async with httpx.AsyncClient(timeout=60) as http:
            return read((await http.get(f"{url}/metrics")).text, job)
    except httpx.ConnectError:
        return read("", job, up=False)


def _series(before: Scrape, after: Scrape, expression: str, steps: int, *, again: bool) -> Iterator[Any]:
    """Yield what was before for a while, and then what has happened, once or again at each scrape."""
    wanted = {selector.metric for selector in promql.selectors(expression)}
    for name in sorted(before.values.keys() | after.values.keys()):
        if name.partition("{")[0] not in wanted:
            continue
        # The time of the test begins with zero.
        zero = before.at if "_timestamp_seconds{" in name else 0.0
        old, new = before.values.get(name), after.values.get(name)
        if new is None and name.startswith("up{"):
            yield {"series": name, "values": f"{old}x{_QUIET} stale"}
            continue
        quiet = f"_x{_QUIET}" if old is None else f"{old - zero}x{_QUIET}"
        last = old if new is None else new
        assert last is not None
        grown = last - (old or 0.0) if again and name in after.growing else 0.0
        yield {"series": name, "values": f"{quiet} {last - zero}+{grown}x{steps}"}


@asynccontextmanager
async def firing(
    alert: str,
    scrape: Scraping,
    *,
    every: timedelta = MINUTE,
    lasting: timedelta = 30 * MINUTE,
    again: bool = False,
    folder: Path,
) -> AsyncIterator[None]:
    """Check that an alert fires because of what happens in the context, and not before.

    It lasts for a while, or happens again and again (`again`), once each `every`, the pace of scrapes.
    """
    before = await scrape()
    yield
    after = await scrape()
    steps = int((lasting + 10 * MINUTE) / every)
    seconds = int(every.total_seconds())
    series = list(_series(before, after, EXPRESSIONS[alert], steps, again=again))
    assert series, f"{alert} reads nothing that the service says"
    fires = f'count(ALERTS{{alertname="{alert}", alertstate="firing"}})'

    def asked(expression: str, at: float, samples: list[dict[str, Any]]) -> dict[str, Any]:
        return {"expr": expression, "eval_time": f"{int(at)}s", "exp_samples": samples}

    began = _QUIET * seconds
    test = {
        "interval": f"{seconds}s",
        "input_series": series,
        "promql_expr_test": [
            asked(fires, began, []),
            asked(f"{fires} > bool 0", began + lasting.total_seconds(), [{"labels": "{}", "value": 1}]),
        ],
    }
    file = folder / f"{alert}.yml"
    content = {"rule_files": [str(RULES)], "evaluation_interval": f"{seconds}s", "tests": [test]}
    file.write_text(yaml.safe_dump(content, allow_unicode=True), encoding="utf-8")
    command = [promtool.start().url, "test", "rules", str(file)]
    done = await asyncio.to_thread(
        subprocess.run, command, capture_output=True, text=True, timeout=120, check=False
    )
    assert done.returncode == 0, f"{alert}: {done.stdout}{done.stderr}\n{series}"
