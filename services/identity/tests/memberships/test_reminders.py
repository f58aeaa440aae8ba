"""Text messages for reminders of Office: to administrators of the units, within budgets."""

from datetime import timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest
from fastapi import FastAPI
from sqlalchemy import text

from contracts.office import ReminderRequestedV1
from identity.reminders.consumers import Reminding
from identity.reminders.rules import text_of
from identity.sms.dispatcher import SmsDispatcher
from messaging.envelope import Envelope
from services.identity.tests.support.people import COUNTY, unit_of
from testkit.postgres import Migration
from testkit.waiting import moments


@pytest.fixture
def prepared(one_line: Migration) -> Migration:
    return one_line


async def remind(app: FastAPI, *codes: str, **changes: Any) -> None:
    state = app.state
    event = ReminderRequestedV1(
        **{
            "reminder_id": uuid4(),
            "notice_id": uuid4(),
            "title": "关于举办全国学生资助业务培训的通知",
            "document_number": None,
            "deadline": None,
            "reason": "unsigned",
            "sms": True,
            "unit_ids": tuple([UUID(str(await unit_of(app, code))) for code in codes]),
            "requested_at": state.clock.now(),
            **changes,
        }
    )
    dispatcher = SmsDispatcher(state.database, state.vault, state.sms, state.clock)
    handler = Reminding(state.settings, state.vault, state.clock, dispatcher)
    envelope = Envelope(
        id=uuid4(),
        source="/zhuxue/office",
        type=event.type,
        subject=str(event.notice_id),
        time=event.requested_at,
        data={},
    )
    async with state.database.transaction() as session:
        await handler.handle(session, event, envelope)


async def used(app: FastAPI) -> dict[str, int]:
    async with app.state.database.transaction() as session:
        rows = await session.execute(text("SELECT scope, used FROM reminder_budgets"))
        return {row[0]: row[1] for row in rows}


async def test_the_administrator_of_a_unit_gets_a_text_message(app: FastAPI) -> None:
    await remind(app, "370102")
    async for _ in moments():
        if any(message.phone == COUNTY for message in app.state.sms.messages):
            break
    said = next(message.text for message in app.state.sms.messages if message.phone == COUNTY)
    assert "尚未签收通知《关于举办全国学生资助业务培训的通知》" in said
    assert await used(app) == {str(await unit_of(app, "370102")): 1, "total": 1}


async def test_budgets_limit_the_messages_of_a_day(app: FastAPI, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(app.state.settings, "reminder_budget_per_unit", 2)
    county = str(await unit_of(app, "370102"))
    for _ in range(3):
        await remind(app, "370102")
    assert await used(app) == {county: 2, "total": 2}
    monkeypatch.setattr(app.state.settings, "reminder_budget_total", 2)
    monkeypatch.setattr(app.state.settings, "reminder_budget_per_unit", 9)
    await remind(app, "370102")
    assert (await used(app))["total"] == 2


async def test_no_message_is_sent_unasked_or_late(app: FastAPI) -> None:
    await remind(app, "370102", sms=False)
    await remind(app, "370102", requested_at=app.state.clock.now() - timedelta(hours=13))
    assert await used(app) == {}


def test_a_long_title_is_cut_and_an_unknown_reason_is_said_in_general() -> None:
    assert text_of("blocking", "长" * 40, None).count("长") == 30
    assert text_of("another", "通知", None) == "【学生资助】请登录办公系统办理通知《通知》。"
