"""Changing a number with the old one, without it, recovering an account, and numbers that were recycled."""

from datetime import timedelta
from typing import Any

import pytest
from fastapi import FastAPI
from sqlalchemy import text

from contracts.vocabulary import PlatformRole
from identity.cli_platform import appoint
from identity.phones.dependencies import phones_for
from identity.phones.jobs import complete_due
from identity.phones.rules import decides_recovery
from services.identity.tests.support.phones import (
    COUNTY_ADMIN,
    NEW,
    OLD,
    id_number,
    member,
    person,
    phone_code,
    recovery,
    run,
    texts,
    verify,
)
from services.identity.tests.support.running_identity import Browser, NewBrowser, agreed_to
from testkit.clock import FrozenClock
from testkit.postgres import Migration

THIRD = "13712345678"
COUNTY_HANDLER = "19900001324"
CITY_ADMIN = "19900001039"  # 济南市 370100
VERIFIER = "v" * 64


@pytest.fixture
def prepared(one_line: Migration) -> Migration:
    return one_line


async def completed(app: FastAPI, clock: FrozenClock) -> int:
    state = app.state
    done = await complete_due(
        state.database,
        clock,
        lambda session: phones_for(session, clock, state.vault, state.settings, state.sms_dispatcher),
    )
    await state.sms_dispatcher.drain()
    return done


async def signs_in(new_browser: NewBrowser, phone: str, app: FastAPI) -> bool:
    await run(app, "UPDATE sms_codes SET sent_at = sent_at - interval '2 minutes'")
    browser = new_browser()
    await browser.ask_for_code(phone)
    answer = await browser.sign_in_with(phone, browser.last_code(phone))
    return answer.status_code == 303


async def codes(browser: Browser, headers: dict[str, str], *, both: bool = True) -> dict[str, str]:
    assert (await phone_code(browser, headers, NEW)).status_code == 202
    fields = {"phone": NEW, "ticket": str(browser.ticket), "code": browser.last_code(NEW)}
    if both:
        assert (await phone_code(browser, headers, None)).status_code == 202
        fields["current_code"] = browser.last_code(OLD)
    return fields


async def test_a_number_changes_at_once_with_the_codes_of_both(app: FastAPI, new_browser: NewBrowser) -> None:
    browser, headers = await person(new_browser)
    changed = await browser.http.post("/api/v1/me/phone", headers=headers, json=await codes(browser, headers))
    assert changed.status_code == 200, changed.text
    assert changed.json()["phone_masked"] == "139****5678"
    assert (await browser.http.get("/api/v1/me", headers=headers)).json()["code"] == "token_revoked"
    assert "139****5678" in texts(app, OLD)[-1]
    assert "139****5678" in texts(app, NEW)[-1]
    assert await signs_in(new_browser, NEW, app)
    assert (await browser.register(OLD)).status_code == 201, "the old number is free"
    (audited,) = await run(app, "SELECT details FROM audit_log WHERE action = 'phone.changed'")
    assert audited.details["how"] == "both numbers"


async def test_codes_for_a_new_number_count_against_its_own_budget(
    app: FastAPI, new_browser: NewBrowser
) -> None:
    people = [await person(new_browser, phone, verified=False) for phone in (OLD, THIRD)]
    app.state.settings = app.state.settings.model_copy(update={"sms_budget_per_number": 2})
    answers = [await phone_code(browser, headers, NEW) for browser, headers in people]
    assert [one.status_code for one in answers] == [202, 403]
    assert answers[1].json()["code"] == "captcha_required"


async def test_a_new_number_is_a_new_version_of_the_person(app: FastAPI, new_browser: NewBrowser) -> None:
    browser, headers = await person(new_browser)
    await browser.http.post("/api/v1/me/phone", headers=headers, json=await codes(browser, headers))
    (account,) = await run(app, "SELECT version FROM accounts WHERE id_number_sealed IS NOT NULL")
    assert account.version == 2


@pytest.mark.parametrize("field", ["code", "current_code"])
async def test_a_wrong_code_of_either_number_changes_nothing(
    app: FastAPI, new_browser: NewBrowser, field: str
) -> None:
    browser, headers = await person(new_browser)
    fields = await codes(browser, headers)
    fields[field] = f"{(int(fields[field]) + 1) % 1_000_000:06d}"
    refused = await browser.http.post("/api/v1/me/phone", headers=headers, json=fields)
    assert refused.json()["code"] == "code_incorrect"
    assert (await browser.http.get("/api/v1/me", headers=headers)).json()["phone_masked"] == "138****5678"


async def test_a_number_of_another_account_is_refused(app: FastAPI, new_browser: NewBrowser) -> None:
    await person(new_browser, NEW, verified=False)
    browser, headers = await person(new_browser)
    await run(app, "UPDATE sms_codes SET sent_at = sent_at - interval '2 minutes'")
    refused = await browser.http.post("/api/v1/me/phone", headers=headers, json=await codes(browser, headers))
    assert (refused.status_code, refused.json()["code"]) == (409, "phone_taken")


async def waiting(browser: Browser, headers: dict[str, str]) -> Any:
    fields = await codes(browser, headers, both=False)
    return await browser.http.post(
        "/api/v1/me/phone-change", headers=headers, json=fields | {"id_number": id_number()}
    )


async def test_without_the_old_number_a_change_waits_seven_days(
    app: FastAPI, new_browser: NewBrowser, clock: FrozenClock
) -> None:
    browser, headers = await person(new_browser)
    asked = await waiting(browser, headers)
    assert (asked.status_code, asked.json()["status"]) == (201, "waiting"), asked.text
    assert "取消" in texts(app, OLD)[-1]
    shown = await browser.http.get("/api/v1/me/phone-change", headers=headers)
    assert shown.json() == asked.json()
    clock.advance(timedelta(days=7) - timedelta(seconds=1))
    assert await completed(app, clock) == 0
    clock.advance(timedelta(seconds=1))
    assert await completed(app, clock) == 1
    assert await signs_in(new_browser, NEW, app)
    assert "139****5678" in texts(app, OLD)[-1]
    (row,) = await run(app, "SELECT * FROM phone_changes")
    assert (row.status, row.phone_sealed) == ("done", None)


async def test_a_change_that_fails_does_not_hold_up_the_others(
    app: FastAPI, new_browser: NewBrowser, clock: FrozenClock
) -> None:
    for phone, number, birthday in ((OLD, NEW, "19900307"), (THIRD, "13612345678", "19910307")):
        browser, headers = await person(new_browser, phone, verified=False)
        assert (await verify(browser, headers, id_number(birthday=birthday))).status_code == 200
        await run(app, "UPDATE sms_codes SET sent_at = sent_at - interval '2 minutes'")
        browser.ticket = None
        assert (await phone_code(browser, headers, number)).status_code == 202
        fields = {"phone": number, "ticket": str(browser.ticket), "code": browser.last_code(number)}
        fields["id_number"] = id_number(birthday=birthday)
        asked = await browser.http.post("/api/v1/me/phone-change", headers=headers, json=fields)
        assert asked.status_code == 201, asked.text
    await run(
        app,
        r"UPDATE phone_changes SET phone_sealed = '\x00'"
        " WHERE id = (SELECT id FROM phone_changes ORDER BY id LIMIT 1)",
    )
    clock.advance(timedelta(days=7))
    assert await completed(app, clock) == 1


async def test_the_old_number_cancels_a_change_without_signing_in(
    app: FastAPI, new_browser: NewBrowser, clock: FrozenClock
) -> None:
    browser, headers = await person(new_browser)
    await waiting(browser, headers)
    finder = new_browser()
    assert (await finder.ask(OLD, "cancel_change")).status_code == 202
    fields = {"phone": OLD, "ticket": finder.ticket, "code": finder.last_code(OLD)}
    assert (await finder.http.post("/api/v1/phone-changes/cancel", json=fields)).status_code == 204
    again = await finder.http.post("/api/v1/phone-changes/cancel", json=fields)
    assert again.json()["code"] == "code_used"
    clock.advance(timedelta(days=8))
    assert await completed(app, clock) == 0
    assert texts(app, NEW)[-1].endswith("已取消。")


async def test_the_person_cancels_a_change_and_asks_again(new_browser: NewBrowser, app: FastAPI) -> None:
    browser, headers = await person(new_browser)
    await waiting(browser, headers)
    await run(app, "UPDATE sms_codes SET sent_at = sent_at - interval '2 minutes'")
    assert (await waiting(browser, headers)).json()["code"] == "phone_change_pending"
    gone = await browser.http.delete("/api/v1/me/phone-change", headers=headers)
    assert gone.status_code == 204
    missing = await browser.http.get("/api/v1/me/phone-change", headers=headers)
    assert (missing.status_code, missing.json()["code"]) == (404, "phone_change_not_found")


async def test_a_change_that_waits_needs_the_verified_identity_number(new_browser: NewBrowser) -> None:
    browser, headers = await person(new_browser)
    fields = await codes(browser, headers, both=False)
    refused = await browser.http.post(
        "/api/v1/me/phone-change", headers=headers, json=fields | {"id_number": id_number(124)}
    )
    assert (refused.status_code, refused.json()["code"]) == (400, "id_number_different")
    again = await browser.http.post(
        "/api/v1/me/phone-change", headers=headers, json=fields | {"id_number": id_number()}
    )
    assert again.json()["code"] == "code_used"


async def test_a_number_that_was_taken_meanwhile_is_said(
    app: FastAPI, new_browser: NewBrowser, clock: FrozenClock
) -> None:
    browser, headers = await person(new_browser)
    await waiting(browser, headers)
    await run(app, "UPDATE sms_codes SET sent_at = sent_at - interval '2 minutes'")
    assert (await new_browser().register(NEW)).status_code == 201
    clock.advance(timedelta(days=7))
    assert await completed(app, clock) == 0
    assert "未能生效" in texts(app, NEW)[-1]
    (row,) = await run(app, "SELECT * FROM phone_changes")
    assert (row.status, row.outcome) == ("failed", "number taken")
    assert await signs_in(new_browser, OLD, app)


async def test_a_lost_phone_is_recovered_with_the_administrator_s_approval_and_a_day(
    app: FastAPI, new_browser: NewBrowser, clock: FrozenClock
) -> None:
    admin = await member(new_browser)
    assert (await recovery(new_browser())).status_code == 202
    assert "待单位管理员审核" in texts(app, OLD)[-1]
    headers = await admin.bearer(COUNTY_ADMIN)
    (listed,) = (await admin.http.get("/api/v1/phone-recoveries", headers=headers)).json()["items"]
    assert (listed["name"], listed["id_matched"], listed["phone_masked"]) == ("王小明", True, "139****5678")
    url = f"/api/v1/phone-recoveries/{listed['id']}"
    approved = await admin.http.post(f"{url}/approve", headers=headers, json={"in_person": False})
    assert (approved.status_code, approved.json()["status"]) == (200, "waiting"), approved.text
    assert "将于" in texts(app, OLD)[-1]
    late = await admin.http.post(f"{url}/reject", headers=headers, json={"reason": "不是本人"})
    assert late.json()["code"] == "phone_change_decided"
    clock.advance(timedelta(hours=24))
    assert await completed(app, clock) == 1
    assert await signs_in(new_browser, NEW, app)


async def test_a_recovery_approved_in_person_takes_effect_at_once(
    app: FastAPI, new_browser: NewBrowser
) -> None:
    admin = await member(new_browser, verified=False)
    assert (await recovery(new_browser(), old_phone=OLD)).status_code == 202
    headers = await admin.bearer(COUNTY_ADMIN)
    (listed,) = (await admin.http.get("/api/v1/phone-recoveries", headers=headers)).json()["items"]
    url = f"/api/v1/phone-recoveries/{listed['id']}/approve"
    unseen = await admin.http.post(url, headers=headers, json={"in_person": False})
    assert (unseen.status_code, unseen.json()["code"]) == (409, "in_person_required")
    seen = await admin.http.post(url, headers=headers, json={"in_person": True})
    assert (seen.status_code, seen.json()["status"]) == (200, "done"), seen.text
    assert await signs_in(new_browser, NEW, app)


async def appointed(app: FastAPI) -> None:
    """The person leaves the unit and becomes an administrator of the platform."""
    await run(
        app,
        "UPDATE memberships SET ended_at = now(), is_primary = false WHERE account_id ="
        " (SELECT id FROM accounts WHERE id_number_sealed IS NOT NULL)",
    )
    await appoint(app.state.settings, PlatformRole.SECURITY_ADMIN, OLD)


async def test_no_unit_recovers_the_account_of_a_platform_administrator(
    app: FastAPI, new_browser: NewBrowser
) -> None:
    admin = await member(new_browser)
    await recovery(new_browser())
    headers = await admin.bearer(COUNTY_ADMIN)
    (listed,) = (await admin.http.get("/api/v1/phone-recoveries", headers=headers)).json()["items"]
    await appointed(app)
    url = f"/api/v1/phone-recoveries/{listed['id']}/approve"
    refused = await admin.http.post(url, headers=headers, json={"in_person": True})
    assert (refused.status_code, refused.json()["code"]) == (403, "out_of_reach")
    assert await signs_in(new_browser, OLD, app)


async def test_a_recovery_fails_when_the_person_has_become_a_platform_administrator(
    app: FastAPI, new_browser: NewBrowser, clock: FrozenClock
) -> None:
    admin = await member(new_browser)
    await recovery(new_browser())
    headers = await admin.bearer(COUNTY_ADMIN)
    (listed,) = (await admin.http.get("/api/v1/phone-recoveries", headers=headers)).json()["items"]
    url = f"/api/v1/phone-recoveries/{listed['id']}/approve"
    approved = await admin.http.post(url, headers=headers, json={"in_person": False})
    assert approved.json()["status"] == "waiting"
    await appointed(app)
    clock.advance(timedelta(hours=24))
    assert await completed(app, clock) == 0
    (row,) = await run(app, "SELECT status, outcome, phone_sealed FROM phone_changes")
    assert tuple(row) == ("failed", "platform administrator", None)
    assert "联系平台运维单位" in texts(app, NEW)[-1]
    assert await signs_in(new_browser, OLD, app)


async def test_a_colleague_does_not_recover_a_unit_administrator(
    app: FastAPI, new_browser: NewBrowser
) -> None:
    colleague = await member(new_browser)
    await run(
        app,
        "UPDATE memberships SET roles = '{unit_admin}' WHERE account_id ="
        " (SELECT id FROM accounts WHERE id_number_sealed IS NOT NULL)",
    )
    await recovery(new_browser())
    headers = await colleague.bearer(COUNTY_ADMIN)
    assert (await colleague.http.get("/api/v1/phone-recoveries", headers=headers)).json()["items"] == []
    above = new_browser()
    higher = await above.bearer(CITY_ADMIN)
    (listed,) = (await above.http.get("/api/v1/phone-recoveries", headers=higher)).json()["items"]
    url = f"/api/v1/phone-recoveries/{listed['id']}"
    for action, body in (("approve", {"in_person": True}), ("reject", {"reason": "不是本人"})):
        refused = await colleague.http.post(f"{url}/{action}", headers=headers, json=body)
        assert (refused.status_code, refused.json()["code"]) == (403, "recovery_above")
    assert (await above.http.post(f"{url}/approve", headers=higher, json={"in_person": True})).is_success
    assert await signs_in(new_browser, NEW, app)


@pytest.mark.parametrize(
    ("approver", "administered", "in_person", "decides"),
    [
        ("1.2", (), False, True),
        ("1.2", ("1.2.3",), False, True),
        ("1.2", ("1.2",), True, False),
        ("1.2", ("1.2.3", "1.4"), True, False),
        ("1.2", ("1.20",), True, False),
        ("1", ("1",), False, False),
        ("1", ("1",), True, True),
    ],
)
def test_who_decides_about_the_recovery_of_an_administrator(
    approver: str, administered: tuple[str, ...], in_person: bool, decides: bool
) -> None:
    assert decides_recovery(approver, administered, in_person=in_person) is decides


async def test_a_rejected_recovery_leaves_the_number(app: FastAPI, new_browser: NewBrowser) -> None:
    admin = await member(new_browser)
    await recovery(new_browser())
    headers = await admin.bearer(COUNTY_ADMIN)
    (listed,) = (await admin.http.get("/api/v1/phone-recoveries", headers=headers)).json()["items"]
    url = f"/api/v1/phone-recoveries/{listed['id']}/reject"
    answer = await admin.http.post(url, headers=headers, json={"reason": "不是本人"})
    assert answer.json()["status"] == "rejected"
    assert "未通过" in texts(app, NEW)[-1]
    assert await signs_in(new_browser, OLD, app)


async def test_nobody_outside_reach_decides_about_a_recovery(new_browser: NewBrowser) -> None:
    await member(new_browser)
    await recovery(new_browser())
    city, handler = new_browser(), new_browser()
    above = await city.bearer(CITY_ADMIN)
    (listed,) = (await city.http.get("/api/v1/phone-recoveries", headers=above)).json()["items"]
    url = f"/api/v1/phone-recoveries/{listed['id']}/approve"
    below = await handler.bearer(COUNTY_HANDLER)
    refused = await handler.http.post(url, headers=below, json={"in_person": True})
    assert (refused.status_code, refused.json()["code"]) == (403, "permission_required")
    assert (await handler.http.get("/api/v1/phone-recoveries", headers=below)).status_code == 403
    assert (await city.http.post(url, headers=above, json={"in_person": True})).status_code == 200


async def test_a_recovery_of_nobody_is_answered_alike(app: FastAPI, new_browser: NewBrowser) -> None:
    await member(new_browser)
    found = await recovery(new_browser())
    await run(app, "DELETE FROM sms_codes")
    missing = await recovery(new_browser(), id_number=id_number(124))
    await run(app, "DELETE FROM sms_codes")
    misnamed = await recovery(new_browser(), name="李小明")
    assert (found.status_code, found.json()) == (missing.status_code, missing.json())
    assert (found.status_code, found.json()) == (misnamed.status_code, misnamed.json())
    assert len(await run(app, "SELECT id FROM phone_changes")) == 1


async def test_a_recovery_of_a_platform_administrator_is_answered_alike_and_not_opened(
    app: FastAPI, new_browser: NewBrowser
) -> None:
    browser, headers = await person(new_browser)
    missing = await recovery(new_browser(), id_number=id_number(124))
    await appoint(app.state.settings, PlatformRole.SECURITY_ADMIN, OLD)
    await run(app, "DELETE FROM sms_codes")
    asked = await recovery(new_browser())
    assert (asked.status_code, asked.json()) == (missing.status_code, missing.json())
    assert await run(app, "SELECT id FROM phone_changes") == []
    assert texts(app, OLD) == []
    # Nothing is in the way of their own change.
    await run(app, "DELETE FROM sms_codes")
    fields = await codes(browser, headers)
    changed = await browser.http.post("/api/v1/me/phone", headers=headers, json=fields)
    assert changed.status_code == 200, changed.text
    assert "联系安全管理员或平台运维单位" in texts(app, OLD)[-1]


async def test_a_person_without_a_unit_recovers_after_seven_days(
    app: FastAPI, new_browser: NewBrowser, clock: FrozenClock
) -> None:
    await person(new_browser)
    await recovery(new_browser())
    clock.advance(timedelta(days=7))
    assert await completed(app, clock) == 1
    assert await signs_in(new_browser, NEW, app)


async def new_holder(browser: Browser, **changes: Any) -> Any:
    assert (await browser.ask(OLD, "register")).status_code == 202
    fields = {
        "phone": OLD,
        "ticket": browser.ticket,
        "code": browser.last_code(OLD),
        "name": "赵小红",
        "id_number": id_number(321),
        "consent": True,
        "agreed": agreed_to(browser.app),
    }
    return await browser.http.post("/api/v1/accounts/new-holder", json=fields | changes)


async def test_a_new_holder_of_a_number_registers_and_the_old_account_loses_it(
    app: FastAPI, new_browser: NewBrowser, clock: FrozenClock
) -> None:
    await member(new_browser)
    clock.advance(timedelta(days=91))
    holder = new_browser()
    made = await new_holder(holder)
    assert made.status_code == 201, made.text
    (old,) = await run(app, "SELECT * FROM accounts WHERE phone_lost_at IS NOT NULL")
    assert str(old.id) != made.json()["sub"]
    assert not any("变更" in one for one in texts(app, OLD)), "nothing about the old account"
    assert await signs_in(new_browser, OLD, app)
    async with app.state.database.transaction() as session:
        who = await session.scalar(text("SELECT account_id FROM sessions ORDER BY id DESC LIMIT 1"))
    assert str(who) == made.json()["sub"]
    # The former holder comes back by recovery.
    assert (await recovery(new_browser())).status_code == 202
    assert len(await run(app, "SELECT id FROM phone_changes")) == 1


async def test_a_number_in_use_is_not_taken_over(new_browser: NewBrowser, app: FastAPI) -> None:
    await person(new_browser)
    await run(app, "UPDATE sms_codes SET sent_at = sent_at - interval '2 minutes'")
    refused = await new_holder(new_browser())
    assert (refused.status_code, refused.json()["code"]) == (409, "number_in_use")


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"name": "王小明", "id_number": id_number()}, "phone_taken"),
        ({"id_number": id_number(999)}, "real_name_mismatch"),
        ({"consent": False}, "separate_consent_required"),
        ({"agreed": {"privacy_policy": "0.1", "terms": "0.1"}}, "policy_outdated"),
    ],
)
async def test_no_number_is_taken_over_without_another_verified_name(
    app: FastAPI, new_browser: NewBrowser, clock: FrozenClock, changes: dict[str, Any], code: str
) -> None:
    await person(new_browser)
    clock.advance(timedelta(days=91))
    refused = await new_holder(new_browser(), **changes)
    assert refused.json()["code"] == code
    assert not await run(app, "SELECT id FROM accounts WHERE phone_lost_at IS NOT NULL")


async def test_the_text_for_a_known_number_tells_owner_and_new_holder_what_to_do(
    new_browser: NewBrowser, app: FastAPI
) -> None:
    await new_browser().ask(COUNTY_ADMIN)
    assert "请直接登录" in app.state.sms.messages[-1].text
    assert "新机主" in app.state.sms.messages[-1].text
