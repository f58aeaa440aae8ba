"""People work at all services while things fail: what they notice, and what they were told is done."""

import asyncio
import time
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any, Final

import httpx

from bench.chaos.clients import TROUBLE, answered
from bench.chaos.ledger import Ledger
from onebox.demo.people import Person
from onebox.demo.story import CENTRE, CITY, COUNTY, Story
from testkit.waiting import moments

Ask = Callable[[], Awaitable[httpx.Response]]
_PAUSE: Final = 0.05
# So many answers one after another that are a success: what failed has been got over.
_STEADY: Final = 40
_MOST_SECONDS: Final = 180.0


@dataclass
class Noticed:
    """The answers to requests of one kind, none of which is asked again, since `forget`."""

    answers: Counter[str] = field(default_factory=Counter)
    absence: float = 0.0
    """Seconds between two successes, at most."""
    slowest: float = 0.0
    steady: int = 0
    last: float = field(default_factory=time.monotonic)

    def forget(self) -> None:
        """Count from now on."""
        self.answers.clear()
        self.absence, self.slowest, self.steady = 0.0, 0.0, 0

    def note(self, answer: str, took: float) -> None:
        """Count an answer."""
        self.answers[answer] += 1
        self.slowest = max(self.slowest, took)
        if not answer.startswith("2"):
            self.steady = 0
            return
        now = time.monotonic()
        self.absence, self.last, self.steady = max(self.absence, now - self.last), now, self.steady + 1

    @property
    def failed(self) -> Counter[str]:
        """The answers that are no success."""
        return Counter({what: count for what, count in self.answers.items() if not what.startswith("2")})


class Working:
    """People who ask, each once; and people who write, and ask again until they are told that it is done."""

    def __init__(self, story: Story, ledger: Ledger) -> None:
        self._ledger = ledger
        self._centre, self._city, self._county = (story.person(code) for code in (CENTRE, CITY, COUNTY))
        self._suspended = story.person(COUNTY, 1)
        self._asks: dict[str, Ask] = {}
        self.noticed: dict[str, Noticed] = {}

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """Work until the context exits; what is being written then is written to its end."""
        centre, county = self._centre, self._county
        portal = county.system.callback.removesuffix("demo/callback")
        self._asks = {
            "identity: keys": lambda: county.http.get(f"{county.system.identity}/jwks"),
            "identity: own account": lambda: county.identity("GET", "/me"),
            "office: inbox": lambda: county.office("GET", "/notices/inbox"),
            "office: a draft is written": self._draft,
            "cockpit: overview": lambda: centre.cockpit("GET", "/overview", params={"year": 2017}),
            "portal: first page": lambda: county.http.get(portal),
        }
        async with centre, county, self._city, self._suspended as suspended:
            me = await answered(self._ledger, suspended, lambda: suspended.identity("GET", "/me"), 200)
            sub = me.json()["sub"]
            series = {"prefix": "济教助"}
            await self._post(self._city, "/number-series", 201, key="ha-series", json=series)
            async with asyncio.timeout(_MOST_SECONDS):
                await self._notice(0)
            for name, ask in self._asks.items():
                (await ask()).raise_for_status()
                self.noticed[name] = Noticed()
            done = asyncio.Event()
            work = [self._asking(ask, self.noticed[name], done) for name, ask in self._asks.items()]
            work += [self._notices(done), self._suspensions(sub, done)]
            tasks = [asyncio.create_task(one) for one in work]
            try:
                yield
                done.set()
                await asyncio.gather(*tasks)
            finally:
                for task in tasks:
                    task.cancel()

    async def settled(self) -> None:
        """Wait until all requests succeed again."""
        async for _ in moments(_MOST_SECONDS, pause=0.1):
            if all(one.steady >= _STEADY for one in self.noticed.values()):
                return
        failing = {name: dict(one.failed) for name, one in self.noticed.items() if one.steady < _STEADY}
        raise TimeoutError(f"still failing: {failing}")

    async def _asking(self, ask: Ask, noticed: Noticed, done: asyncio.Event) -> None:
        while not done.is_set():
            began = time.monotonic()
            try:
                answer = str((await ask()).status_code)
            except TROUBLE as error:
                answer = type(error).__name__
            noticed.note(answer, time.monotonic() - began)
            await asyncio.sleep(_PAUSE)

    async def _draft(self) -> httpx.Response:
        """A draft that is written once; told of as stored, it must be."""
        answer = await self._centre.office("POST", "/notices", json=_notice(f"单次 {time.monotonic_ns()}"))
        if answer.status_code == 201:
            self._ledger.acknowledged("draft", notice=answer.json()["id"])
        return answer

    async def _notices(self, done: asyncio.Event) -> None:
        number = 0
        while not done.is_set():
            number += 1
            await self._notice(number)
            await asyncio.sleep(10 * _PAUSE)

    async def _notice(self, number: int) -> None:
        """A notice is drafted and published."""
        key, draft = f"ha-notice-{number}", _notice(f"演练 {number}")
        made = await self._post(self._city, "/notices", 201, key=key, json=draft)
        notice = made.json()["id"]
        self._ledger.acknowledged("draft", notice=notice)
        await self._post(self._city, f"/notices/{notice}/publish", 200, key=f"{key}-publish")
        self._ledger.acknowledged("publication", notice=notice)

    async def _post(self, person: Person, path: str, *expected: int, key: str, **more: Any) -> httpx.Response:
        headers = {"Idempotency-Key": key}
        return await answered(
            self._ledger, person, lambda: person.office("POST", path, headers=headers, **more), *expected
        )

    async def _suspensions(self, sub: str, done: asyncio.Event) -> None:
        """A person is suspended and restored in turn, which Office and Cockpit learn by events."""
        county = self._county
        while not done.is_set():
            for act in ("suspend", "restore"):
                await answered(
                    self._ledger,
                    county,
                    lambda act=act: county.identity(  # type: ignore[misc]
                        "POST", f"/accounts/{sub}/{act}", json={"reason": "演练"}
                    ),
                    *(200, 409),
                )
                self._ledger.acknowledged(act, sub=sub)
                await asyncio.sleep(10 * _PAUSE)


def _notice(title: str) -> dict[str, Any]:
    return {"title": title, "body": "<p>正文</p>", "deadline_workdays": 5, "urgency": "normal"}
