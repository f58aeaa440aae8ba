"""Identity numbers for tests, and changes of phone numbers and recoveries through the REST API."""

import asyncio
from typing import Any

import httpx
from fastapi import FastAPI
from sqlalchemy import text

from identity.base import job_queue
from identity.phones.kinds import SEEK
from identity.verification.rules import check_character
from jobs.kinds import ENDED, State
from services.identity.tests.support.running_identity import Browser, NewBrowser

OLD, NEW = "13812345678", "13912345678"
COUNTY_ADMIN = "19900001323"  # 历下区 370102


def id_number(sequence: int = 123, birthday: str = "19900307", division: str = "370102") -> str:
    """A valid number; the sandbox reads the sequence: 999 is a mismatch, 998 no answer."""
    first = f"{division}{birthday}{sequence:03d}"
    return first + check_character(first)


async def verify(browser: Browser, headers: dict[str, str], number: str, **more: Any) -> httpx.Response:
    """Verify the real name of whom the headers belong to."""
    body = {"id_number": number, "consent": True} | more
    return await browser.http.post("/api/v1/me/real-name", headers=headers, json=body)


async def phone_code(browser: Browser, headers: dict[str, str], phone: str | None) -> httpx.Response:
    """Ask for a code to change the number, at the new number or at the current one."""
    body = {} if phone is None else {"phone": phone}
    if browser.ticket is not None:
        body["ticket"] = browser.ticket
    answer = await browser.http.post("/api/v1/me/phone/codes", headers=headers, json=body)
    if answer.status_code == 202:
        browser.ticket = answer.json()["ticket"]
    return answer


async def person(
    new_browser: NewBrowser, phone: str = OLD, *, verified: bool = True
) -> tuple[Browser, dict[str, str]]:
    browser = new_browser()
    assert (await browser.register(phone)).status_code == 201
    headers = await browser.bearer(phone)
    if verified:
        assert (await verify(browser, headers, id_number())).status_code == 200
    browser.ticket = None
    return browser, headers


async def run(app: FastAPI, statement: str, **values: Any) -> list[Any]:
    async with app.state.database.transaction() as session:
        return (
            list(await session.execute(text(statement), values))
            if statement.startswith("SELECT")
            else [await session.execute(text(statement), values)]
        )


def texts(app: FastAPI, phone: str) -> list[str]:
    return [one.text for one in app.state.sms.messages if one.phone == phone and "验证码为" not in one.text]


async def lost_account(browser: Browser) -> dict[str, Any]:
    """What somebody asks for their account with, from a new number."""
    assert (await browser.ask(NEW, "recover")).status_code == 202
    return {
        "phone": NEW,
        "ticket": browser.ticket,
        "code": browser.last_code(NEW),
        "name": "王小明",
        "id_number": id_number(),
    }


async def recovery(browser: Browser, **changes: Any) -> Any:
    fields = await lost_account(browser) | changes
    answer = await browser.http.post("/api/v1/phone-recoveries", json=fields)
    await sought(browser.app)
    return answer


async def sought(app: FastAPI) -> None:
    """Until the job of each request for an account has ended, and its messages are sent."""
    async with asyncio.timeout(60):
        while True:
            async with app.state.database.transaction() as session:
                jobs = await job_queue.list(session, kind=SEEK.name)
            if all(job.state in ENDED for job in jobs):
                break
            await asyncio.sleep(0.02)
    assert all(job.state == State.SUCCEEDED for job in jobs)
    await app.state.sms_dispatcher.caught_up()


async def member(new_browser: NewBrowser, *, verified: bool = True) -> Browser:
    """Somebody of 历下区, admitted by its administrator."""
    admin = new_browser()
    headers = await admin.bearer(COUNTY_ADMIN)
    me = (await admin.http.get("/api/v1/me", headers=headers)).json()
    url = f"/api/v1/units/{me['unit_id']}/invites"
    invite = (await admin.http.post(url, headers=headers, json={"roles": ["handler"]})).json()
    browser, own = await person(new_browser, verified=verified)
    asked = await browser.http.post(
        "/api/v1/join-requests", headers=own, json={"invite_code": invite["code"]}
    )
    approved = await admin.http.post(f"/api/v1/join-requests/{asked.json()['id']}/approve", headers=headers)
    assert approved.status_code == 200, approved.text
    return admin
