"""A number is changed by text messages from the new and the old number, in place of codes."""

import pytest
from fastapi import FastAPI

from services.identity.tests.support.inbound import Gateway
from services.identity.tests.support.phones import NEW, OLD, id_number, person
from services.identity.tests.support.running_identity import NewBrowser
from testkit.clock import FrozenClock
from testkit.postgres import Migration


@pytest.fixture
def prepared(one_line: Migration) -> Migration:
    return one_line


async def test_a_number_is_changed_over_rest_by_texts_from_both_numbers(
    app: FastAPI, new_browser: NewBrowser, clock: FrozenClock
) -> None:
    browser, headers = await person(new_browser, verified=False)
    gateway = Gateway(new_browser().http, clock)
    texts: dict[str, str] = {}
    ticket = None
    for phone, body in ((NEW, {"phone": NEW}), (OLD, {})):
        mine: dict[str, str] = {} if ticket is None else {"ticket": ticket}
        asked = await browser.http.post(
            "/api/v1/me/phone/text-challenges", headers=headers, json={**body, **mine}
        )
        assert asked.status_code == 201, asked.text
        ticket, texts[phone] = asked.json()["ticket"], asked.json()["text"]
    change = {"phone": NEW, "ticket": ticket, "code": texts[NEW], "current_code": texts[OLD]}
    # Each text proves the number that it comes from.
    await gateway.passes_on(OLD, texts[NEW])
    await gateway.passes_on(NEW, texts[OLD])
    early = await browser.http.post("/api/v1/me/phone", headers=headers, json=change)
    assert early.json()["code"] == "text_not_received"
    for phone, text in texts.items():
        await gateway.passes_on(phone, text)
    changed = await browser.http.post("/api/v1/me/phone", headers=headers, json=change)
    assert (changed.status_code, changed.json()["phone_masked"]) == (200, "139****5678")


async def test_a_change_without_the_old_number_needs_one_text(
    new_browser: NewBrowser, clock: FrozenClock
) -> None:
    browser, headers = await person(new_browser)
    gateway = Gateway(new_browser().http, clock)
    asked = await browser.http.post("/api/v1/me/phone/text-challenges", headers=headers, json={"phone": NEW})
    await gateway.passes_on(NEW, asked.json()["text"])
    body = {
        "phone": NEW,
        "ticket": asked.json()["ticket"],
        "code": asked.json()["text"],
        "id_number": id_number(),
    }
    opened = await browser.http.post("/api/v1/me/phone-change", headers=headers, json=body)
    assert opened.status_code == 201, opened.text
    same = await browser.http.post("/api/v1/me/phone/text-challenges", headers=headers, json={"phone": OLD})
    assert same.json()["code"] == "same_phone"
