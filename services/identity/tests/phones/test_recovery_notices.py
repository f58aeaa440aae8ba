"""Text messages to the administrators who may approve a recovery."""

import pytest
from fastapi import FastAPI

from identity.units.changes import day_of
from services.identity.tests.support.phones import (
    COUNTY_ADMIN,
    NEW,
    OLD,
    id_number,
    member,
    recovery,
    run,
    texts,
)
from services.identity.tests.support.running_identity import NewBrowser
from testkit.postgres import Migration

COUNTY_HANDLER = "19900001324"
CITY_ADMIN = "19900001039"  # 济南市 370100


@pytest.fixture
def prepared(one_line: Migration) -> Migration:
    return one_line


async def test_those_who_may_approve_a_recovery_are_told_without_personal_data(
    app: FastAPI, new_browser: NewBrowser
) -> None:
    await member(new_browser)
    await recovery(new_browser())
    (told,) = [one for one in texts(app, COUNTY_ADMIN) if "申请找回账号" in one]
    assert "王**" in told
    for personal in ("王小明", OLD, NEW, OLD[-4:], NEW[-4:], id_number()):
        assert personal not in told
    for phone in (COUNTY_HANDLER, CITY_ADMIN):
        assert not texts(app, phone)


async def test_at_most_two_administrators_are_told_within_the_budget(
    app: FastAPI, new_browser: NewBrowser
) -> None:
    await member(new_browser)
    await run(
        app,
        "UPDATE memberships SET roles = '{unit_admin}' WHERE ended_at IS NULL AND unit_id ="
        " (SELECT id FROM units WHERE code = '370100')",
    )
    await run(
        app,
        "UPDATE memberships SET roles = '{unit_admin}', unit_id ="
        " (SELECT id FROM units WHERE code = '370102') WHERE unit_id ="
        " (SELECT id FROM units WHERE code = '370100')",
    )
    left = app.state.settings.reminder_budget_per_unit - 3
    await run(
        app,
        f"INSERT INTO reminder_budgets (scope, day, used)"
        f" SELECT id::text, '{day_of(app.state.clock.now())}', {left} FROM units WHERE code = '370102'",
    )
    await recovery(new_browser())
    told = [one for one in app.state.sms.messages if "申请找回账号" in one.text]
    assert len({one.phone for one in told}) == len(told) == 2
    await run(app, "DELETE FROM phone_changes")
    await run(app, "DELETE FROM sms_codes")
    await recovery(new_browser())
    assert len([one for one in app.state.sms.messages if "申请找回账号" in one.text]) == 3
    assert (await run(app, "SELECT count(*) AS n FROM phone_changes"))[0].n == 1


async def test_the_administrators_above_are_told_about_an_administrator(
    app: FastAPI, new_browser: NewBrowser
) -> None:
    await member(new_browser)
    await run(
        app,
        "UPDATE memberships SET roles = '{unit_admin}' WHERE account_id ="
        " (SELECT id FROM accounts WHERE id_number_sealed IS NOT NULL)",
    )
    await recovery(new_browser())
    told = {one.phone for one in app.state.sms.messages if "申请找回账号" in one.text}
    assert told == {CITY_ADMIN}
