"""All services are replaced while people work, and what they notice is counted."""

import asyncio
import time
from collections import Counter
from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import dataclass, field

import httpx

from onebox.demo import people
from onebox.demo.story import CENTRE, COUNTY, Story

Ask = Callable[[], Awaitable[httpx.Response]]
_PAUSE = 0.05
_MOST_SECONDS = 900.0


@dataclass
class Noticed:
    """What the requests of one kind were answered."""

    answers: Counter[str] = field(default_factory=Counter)
    slowest: float = 0.0
    refused: list[str] = field(default_factory=list)
    """Answers that are no success and do not say when to come again."""

    def note(self, answer: httpx.Response, took: float) -> None:
        """Count an answer."""
        self.slowest = max(self.slowest, took)
        later = answer.status_code == 503 and "retry-after" in answer.headers
        self.answers["told to come later" if later else str(answer.status_code)] += 1
        if not later and answer.status_code >= 400:
            self.refused.append(f"{answer.request.method} {answer.request.url}: {answer.text[:200]}")


async def _asking(ask: Ask, noticed: Noticed, done: asyncio.Event) -> None:
    while not done.is_set():
        began = time.monotonic()
        try:
            noticed.note(await ask(), time.monotonic() - began)
        except (httpx.ConnectError, httpx.ConnectTimeout) as error:
            # Nothing was sent: a client connects again.
            noticed.answers[type(error).__name__] += 1
        except httpx.TransportError as error:
            noticed.refused.append(f"cut off: {type(error).__name__}")
        await asyncio.sleep(_PAUSE)


async def replaced_under_load(story: Story, upgrade: list[str], **how: object) -> None:
    """Run `upgrade` while people read and write at all services. Raises `Failed` if one is refused.

    The gateway is away at the end, which clients notice by connections that fail.
    """
    async with story.person(CENTRE) as centre, story.person(COUNTY) as county:
        asks: dict[str, Ask] = {
            "identity: own account": lambda: county.identity("GET", "/me"),
            "identity: keys": lambda: county.http.get(f"{county.system.identity}/jwks"),
            "office: inbox": lambda: county.office("GET", "/notices/inbox"),
            "office: a draft is written": lambda: centre.office(
                "POST", "/notices", json={"title": "更新期间", "body": "<p>正文</p>"}
            ),
            "cockpit: overview": lambda: centre.cockpit("GET", "/overview", params={"year": 2017}),
            "portal: first page": lambda: county.http.get(
                county.system.callback.removesuffix("demo/callback")
            ),
        }
        for ask in asks.values():
            (await ask()).raise_for_status()
        seen, done = {name: Noticed() for name in asks}, asyncio.Event()
        tasks = [asyncio.create_task(_asking(ask, seen[name], done)) for name, ask in asks.items()]
        process = await asyncio.create_subprocess_exec(*upgrade, **how)  # type: ignore[arg-type] # paths, environment
        try:
            async with asyncio.timeout(_MOST_SECONDS):
                status = await process.wait()
        finally:
            done.set()
            await asyncio.gather(*tasks, return_exceptions=True)
            if process.returncode is None:
                with suppress(ProcessLookupError):
                    process.kill()
    for name, noticed in seen.items():
        counts = ", ".join(f"{count} × {what}" for what, count in noticed.answers.most_common())
        print(f"   {name}: {counts}; slowest {noticed.slowest:.1f} s")
    refused = [line for noticed in seen.values() for line in noticed.refused]
    away = [name for name, noticed in seen.items() if noticed.answers["told to come later"]]
    if status or refused or away:
        raise people.Failed(f"make upgrade: status {status}; refused {refused[:5]}; away {away}")
