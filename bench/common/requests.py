"""Requests to an application in this process, one after another, and what they take."""

import argparse
import random
import sys
import time
from collections.abc import Awaitable, Callable, Sequence
from typing import Any, Protocol, TypeVar

import httpx
from fastapi import FastAPI
from sqlalchemy import text

from authkit.dependencies import authenticated
from authkit.principal import Principal
from bench.common.statistics import percentile
from bench.common.watching import Measured, Watch, computed

Ask = Callable[[], Awaitable[Any]]
Query = Callable[[], str]
Unit = TypeVar("Unit", bound="Place")


class Place(Protocol):
    """A unit, as far as queries name it."""

    code: Any
    short_name: Any


PINYIN = ("wang", "zhao", "huang", "li", "zhangwei", "liuguohua", "zengming", "xiaoming")
GIVEN = "明华国建文军平志伟"


def arguments(name: str, description: str | None, *, units: int, people: int) -> argparse.Namespace:
    """Parse the command line of a benchmark over a made-up country."""
    parser = argparse.ArgumentParser(prog=f"make bench-{name}", description=description)
    parser.add_argument("--units", type=int, default=units)
    parser.add_argument("--people", type=int, default=people)
    parser.add_argument("--runs", type=int, default=300, help="requests of each kind (300)")
    parser.add_argument("--quick", action="store_true", help="20,000 units and 40,000 people")
    parser.add_argument("--write", action="store_true", help="put the table into docs/benchmarks.md")
    given = parser.parse_args()
    if given.quick:
        given.units, given.people, given.runs = 20_000, 40_000, 60
    return given


def say(line: str) -> None:
    """Report progress."""
    sys.stderr.write(f"{line}\n")


class Requests:
    """Requests of made-up callers. The application has one connection to its database."""

    def __init__(self, app: FastAPI, runs: int) -> None:
        self.app = app
        self.runs = runs
        self.caller: Principal | None = None
        """Who sends what follows."""
        self.found: list[Measured] = []
        self._watch = Watch()
        self._watch.attach(app)
        self._server: int | None = None
        app.dependency_overrides[authenticated] = self._authenticated
        self.http = httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://bench")

    async def _authenticated(self) -> Principal:
        assert self.caller is not None
        return self.caller

    async def get(self, path: str, **params: Any) -> Any:
        """Send a request. Raises RuntimeError unless it succeeds."""
        answer = await self.http.get(f"/api/v1{path}", params=params)
        if answer.status_code != 200:
            raise RuntimeError(f"{path}: {answer.status_code} {answer.text}")
        return answer.json()

    async def measure(self, name: str, ask: Ask) -> None:
        """Run a kind of request, after some that are not measured, and add it to `found`."""
        database, cpu, whole = [], [], []
        for run in range(-min(10, self.runs), self.runs):
            self._watch.seconds, used, began = 0.0, await self._cpu(), time.perf_counter()
            await ask()
            if run >= 0:
                whole.append((time.perf_counter() - began) * 1000)
                database.append(self._watch.seconds * 1000)
                cpu.append(await self._cpu() - used)
        numbers = ", ".join(f"{percentile(of, 0.99):.1f}" for of in (database, cpu, whole))
        say(f"{name}: {percentile(database, 0.5):.1f}; p99 {numbers} ms")
        self.found.append(Measured(name, database, cpu, whole))

    async def _cpu(self) -> float:
        """Return the milliseconds that the server process of the only connection has computed so far."""
        if self._server is None:
            async with self.app.state.database.transaction() as session:
                self._server = await session.scalar(text("SELECT pg_backend_pid()"))
        return computed(self._server or 0)


def queries_of_people(chance: random.Random, surnames: Sequence[str]) -> dict[str, Query]:
    """Return the ways to search people, each with other values at each call; the frequent names first."""
    return {
        "people by surname": lambda: chance.choice(surnames[:10]),
        "people by two characters of the given name": lambda: "".join(chance.choices(GIVEN, k=2)),
        "people by full name": lambda: chance.choice(surnames) + "".join(chance.choices(GIVEN, k=2)),
        "people by pinyin": lambda: chance.choice(PINYIN),
        "people by initials": lambda: "".join(chance.choices("wlzcyhgmjs", k=chance.randint(1, 3))),
        "people by unit": lambda: chance.choice(("小学", "中心", "历下", "第12中学", "幼儿园")),
        "people by name and post": lambda: f"{chance.choice('王李张')}明 主任",
        "people by the last four digits": lambda: f"{chance.randrange(10_000):04d}",
    }


def queries_of_units(chance: random.Random, offices: Sequence[Unit]) -> dict[str, Query]:
    """Return the ways to search units, each with other values at each call."""
    return {
        "units by a frequent word": lambda: chance.choice(("小学", "中心", "资助", "中学", "第1")),
        "units by place": lambda: str(chance.choice(offices).short_name)[:2],
        "units by pinyin": lambda: chance.choice(("jinan", "lixia", "shandong", "xian", "xiaoxue")),
        "units by initials": lambda: chance.choice(("lxq", "xszz", "zxxx", "sds")),
        "units by code": lambda: str(chance.choice(offices).code)[:4],
    }
