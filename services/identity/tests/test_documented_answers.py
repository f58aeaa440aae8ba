"""Whatever people ask of Identity, its OpenAPI document describes the answer, and none is a server error."""

import time

import httpx
from fastapi import FastAPI

from identity.units import worlds
from services.identity.tests.support.people import (
    CENTRE,
    CITY,
    COUNTY,
    COUNTY_HANDLER,
    NEWCOMER,
    Person,
    forget_codes,
    registered,
    unit_of,
)
from services.identity.tests.support.running_identity import NewBrowser
from testkit.documented import Caller, Headers, judged

FRESH_SECONDS = 200.0
"""Tokens last 300 seconds. With more examples, the test takes longer."""
LAST = (
    *("actForUnit", "setPrimaryUnit", "leaveUnit", "withdrawAgreement", "closeMyAccount"),
    *("endSession", "endSessionByPost", "endMySession"),
)
"""After these, somebody may be refused everything."""


async def test_every_answer_is_documented(app: FastAPI, new_browser: NewBrowser) -> None:
    school = next(unit.code for unit in worlds.world_s() if unit.parent_code == "370102")
    teacher = next(person.phone for person in worlds.world_s_people() if person.unit_code == school)

    async def signed_in(phone: str) -> Person:
        browser = new_browser()
        return Person(browser, phone, await browser.bearer(phone))

    people = {
        "centre": await signed_in(CENTRE),
        "county": await signed_in(COUNTY),
        "school": await signed_in(teacher),
        "no membership": await registered(new_browser(), NEWCOMER),
    }

    def caller(person: Person) -> Caller:
        until = time.monotonic() + FRESH_SECONDS

        async def headers() -> Headers:
            nonlocal until
            if time.monotonic() > until:
                await forget_codes(app)
                await person.again()
                until = time.monotonic() + FRESH_SECONDS
            return person.headers

        return headers

    async def nobody() -> Headers:
        return {}

    # Those who call are not among them: they would be suspended.
    units = [str(await unit_of(app, code)) for code in ("S3701020002", "370103")]
    subs = [await (await signed_in(phone)).sub() for phone in (COUNTY_HANDLER, CITY)]
    async with httpx.AsyncClient(
        transport=httpx.ASGITransport(app=app), base_url="http://localhost:8001"
    ) as http:
        found = await judged(
            app,
            http,
            {name: caller(person) for name, person in people.items()} | {"no token": nobody},
            known={"unit_id": units, "sub": subs, "code": ["370102"]},
            last=LAST,
        )
    # They were signed in all the time.
    assert all(
        answers[401] < answers.total() / 4 for name, answers in found.answers.items() if name in people
    )
    assert not found.faults, "\n".join(found.faults)
