"""The load: people at all services at once. What is acknowledged is written into the ledger."""

import asyncio
import contextlib
import csv
import hashlib
import io
import random
from collections.abc import AsyncIterator, Coroutine
from typing import Any, Final

import httpx

from bench.chaos.clients import PAUSE, TROUBLE, answered
from bench.chaos.ledger import Ledger
from cockpit.feeds.declarations import FeedName
from onebox.demo import forged
from onebox.demo.people import IDENTITY, OFFICE, Person, System
from onebox.demo.story import CENTRE, CITY, COUNTY, Story, unit_id
from onebox.facts.feeds import Row, facts
from testkit.waiting import moments

COUNTIES: Final = (COUNTY, "370103", "370104", "370105", "370112", "370113")
SCHOOLS: Final = ("S3701020001", "S3701020002")
SETTLE_SECONDS: Final = 60.0
_FILE_BYTES: Final = 100_000
_FILES: Final = 80
_ROWS: Final = 300


class Load:
    """Everybody who works, and the ledger of what they did."""

    def __init__(self, system: System, ledger: Ledger, chance: random.Random) -> None:
        self._system = system
        self._ledger = ledger
        self._chance = chance
        self._story = Story(system)
        self.people = {code: self._story.person(code) for code in (CENTRE, CITY, *COUNTIES, *SCHOOLS)}
        """The administrator of each unit that takes part, by the unit's code."""
        self.suspended = self._story.person(COUNTY, 1)
        """Who is suspended and restored in turn."""
        self._sub = ""
        self._series = 0

    async def prepare(self) -> None:
        """Sign in everybody while everything still works, and wait until Office knows all units."""
        for person in (*self.people.values(), self.suspended):
            await person.token(OFFICE)
        me = await answered(self._ledger, self.suspended, lambda: self.suspended.identity("GET", "/me"), 200)
        self._sub = me.json()["sub"]
        centre = self.people[CENTRE]
        async for _ in moments(SETTLE_SECONDS, pause=0.2):
            listed = await centre.office("GET", "/units", params={"limit": 1})
            if listed.status_code == 200 and listed.json()["total"]["count"] >= len(self._story.units):
                break
        else:
            raise RuntimeError("Office does not get the units of the snapshot")
        await self._post(CITY, "/number-series", 201, json={"prefix": "济教助"})

    @contextlib.asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """Work until the context exits; what is under way then is given up and not in the ledger."""
        work: list[Coroutine[Any, Any, None]] = [
            self._sign_in(),
            self._send_notices(),
            self._send_notices(),
            self._upload_files(),
            self._take_in(),
            self._suspend(),
        ]
        async with asyncio.TaskGroup() as group:
            tasks = [group.create_task(one) for one in work]
            yield
            for task in tasks:
                task.cancel()

    async def close(self) -> None:
        """Close the browsers."""
        for person in (*self.people.values(), self.suspended):
            await person.http.aclose()

    async def _post(self, code: str, path: str, *expected: int, **more: Any) -> httpx.Response:
        person = self.people[code]
        return await answered(self._ledger, person, lambda: person.office("POST", path, **more), *expected)

    async def _sign_in(self) -> None:
        """One person after another signs in, and gets new tokens by the refresh token."""
        everybody = [
            (code, number) for code, them in self._story.staff.items() for number in range(len(them))
        ]
        working = {CENTRE, CITY, COUNTY, *COUNTIES, *SCHOOLS}
        free = [one for one in everybody if one[0] not in working]
        for code, number in self._chance.sample(free, len(free)):
            async with self._story.person(code, number) as person:
                try:
                    token, _ = await person.code_flow(IDENTITY)
                    claims = forged.claims_of(token["access_token"])
                    self._ledger.acknowledged("sign-in", sub=claims["sub"], jti=claims["jti"])
                    if "refresh_token" in token:
                        await self._refresh(person, token["refresh_token"])
                except TROUBLE as error:
                    # A code is sent to a number once a minute: somebody else goes on.
                    self._ledger.refused[f"sign-in: {type(error).__name__}"] += 1
                    self._ledger.again += 1
            await asyncio.sleep(PAUSE)

    async def _refresh(self, person: Person, token: str) -> None:
        form = {"grant_type": "refresh_token", "client_id": "portal", "refresh_token": token}
        for _ in range(3):
            answer = await person.http.post(f"{self._system.identity}/token", data=form)
            if answer.status_code != 200:
                return
            claims = forged.claims_of(answer.json()["access_token"])
            self._ledger.acknowledged("refresh", sub=claims["sub"], jti=claims["jti"])
            form["refresh_token"] = answer.json().get("refresh_token", form["refresh_token"])

    async def _send_notices(self) -> None:
        """Notices of the city: published, signed by counties, passed on, signed by schools, reminded."""
        while True:
            self._series += 1
            key = {"Idempotency-Key": f"chaos-notice-{self._series}"}
            made = await self._post(CITY, "/notices", 201, json=_draft(self._series), headers=key)
            path = f"/notices/{made.json()['id']}"
            notice = made.json()["id"]
            self._ledger.acknowledged("draft", notice=notice)
            await self._post(CITY, f"{path}/publish", 200, headers=_again(key, "publish"))
            self._ledger.acknowledged("publication", notice=notice)
            signing = self._chance.sample(COUNTIES[1:], 3)
            await asyncio.gather(*(self._sign(code, notice) for code in (COUNTY, *signing)))
            await self._post(COUNTY, f"{path}/forward", 200, 201, json={}, headers=_again(key, "forward"))
            self._ledger.acknowledged("forwarding", notice=notice)
            await asyncio.gather(*(self._sign(code, notice) for code in SCHOOLS))
            # 409: the first request was heard, its answer was not.
            asked = await self._post(CITY, f"{path}/reminders", 202, 409, json={"sms": True})
            if asked.status_code == 202:
                self._ledger.acknowledged("reminder", notice=notice, run=asked.json()["id"])
            asked = await self._post(CITY, f"{path}/coverage/exports", 202)
            self._ledger.acknowledged("export", notice=notice, export=asked.json()["id"])

    async def _sign(self, code: str, notice: str) -> None:
        key = {"Idempotency-Key": f"chaos-sign-{code}-{notice}"}
        await self._post(code, f"/notices/{notice}/sign", 200, 201, headers=key)
        self._ledger.acknowledged("signature", notice=notice, unit=code)

    async def _upload_files(self) -> None:
        """Files of random text, so that none is stored before; fewer than one person may leave lying."""
        for _ in range(_FILES):
            text = self._chance.randbytes(_FILE_BYTES // 2).hex()
            made = await self._post(
                SCHOOLS[0],
                "/files",
                201,
                params={"file_name": "名单.txt"},
                content=text.encode(),
                headers={"Content-Type": "text/plain"},
            )
            digest = hashlib.sha256(text.encode()).hexdigest()
            self._ledger.acknowledged("file", file=made.json()["id"], digest=digest)
            await asyncio.sleep(5 * PAUSE)

    async def _take_in(self) -> None:
        """Batches of facts, of which some are withdrawn."""
        centre = self.people[CENTRE]
        unit = await unit_id(centre, CENTRE)
        generated: dict[FeedName, list[Row]] = {}
        for one in facts(6_000, self._chance.randrange(10**6), within=COUNTY):
            generated.setdefault(one.feed, []).append(one.row)
        for number in range(1_000_000):
            feed = self._chance.choice(list(generated))
            rows = self._chance.sample(generated[feed], min(_ROWS, len(generated[feed])))
            made = await answered(
                self._ledger,
                centre,
                lambda feed=feed, rows=rows, number=number: centre.cockpit(  # type: ignore[misc]
                    "POST",
                    "/intake/batches",
                    params={"feed": feed.value, "unit": unit, "source": "chaos"},
                    content=_csv(rows),
                    headers={
                        "Content-Type": "text/csv; charset=utf-8",
                        "Idempotency-Key": f"chaos-batch-{number}",
                    },
                ),
                *(200, 201),
            )
            batch = made.json()["id"]
            self._ledger.acknowledged("batch", batch=batch, accepted=made.json()["accepted"])
            if self._chance.random() < 0.3:
                await answered(
                    self._ledger,
                    centre,
                    lambda batch=batch: centre.cockpit("POST", f"/intake/batches/{batch}/reverse"),  # type: ignore[misc]
                    *(200, 409),
                )
                self._ledger.acknowledged("withdrawal", batch=batch)
            await asyncio.sleep(PAUSE)

    async def _suspend(self) -> None:
        """A person is suspended and restored in turn."""
        county = self.people[COUNTY]
        while True:
            for act in ("suspend", "restore"):
                await answered(
                    self._ledger,
                    county,
                    lambda act=act: county.identity(  # type: ignore[misc]
                        "POST", f"/accounts/{self._sub}/{act}", json={"reason": "演练"}
                    ),
                    *(200, 409),
                )
                self._ledger.acknowledged(act, sub=self._sub)
                await asyncio.sleep(2 * PAUSE)


def _draft(number: int) -> dict[str, Any]:
    return {
        "title": f"关于报送学生资助数据的通知（{number}）",
        "body": "<p>请按时报送。</p>",
        "deadline_workdays": 5,
        "urgency": "normal",
    }


def _again(key: dict[str, str], act: str) -> dict[str, str]:
    return {name: f"{value}-{act}" for name, value in key.items()}


def _csv(rows: list[Row]) -> bytes:
    out = io.StringIO()
    writer = csv.writer(out)
    writer.writerow(rows[0]._fields)
    writer.writerows(rows)
    return out.getvalue().encode()
