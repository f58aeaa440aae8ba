"""Forwarding to a part of what is below, and to further units later (补充转发)."""

import asyncio
from datetime import timedelta
from itertools import count

import httpx
import pytest
from pydantic import JsonValue

from contracts.office import NoticeForwardedV1
from services.office.tests.support.running_office import RunningOffice

N = "/api/v1/notices"


async def forward(office: RunningOffice, code: str, notice: str, **body: JsonValue) -> httpx.Response:
    return await office.unit(code).post(f"{N}/{notice}/forward", json=body)


def picked(office: RunningOffice, *codes: str) -> dict[str, JsonValue]:
    return {"reach": "picked", "units": [office.world.id(code) for code in codes], "onward": True}


async def test_further_units_may_be_sent_a_notice_later(office: RunningOffice) -> None:
    notice = await office.published()
    first = await forward(
        office, "370000", notice, recipients=picked(office, "370100"), cover_text="先发济南"
    )
    assert (first.status_code, first.json()["number"], first.json()["delivered_to"]) == (201, 1, 1)
    assert (await office.unit("370200").get(f"{N}/{notice}")).status_code == 404
    second = await forward(office, "370000", notice, cover_text="再发青岛")
    # All units directly below, of which one has been addressed before.
    assert (second.status_code, second.json()["number"], second.json()["delivered_to"]) == (201, 2, 1)
    assert (await office.unit("370200").get(f"{N}/{notice}")).status_code == 200
    seen = (await office.unit("370000").get(f"{N}/{notice}")).json()
    assert [(one["number"], one["cover_text"]) for one in seen["forwardings"]] == [
        (1, "先发济南"),
        (2, "再发青岛"),
    ]
    third = await forward(office, "370000", notice)
    assert (third.status_code, third.json()["code"]) == (409, "already_forwarded")
    events = await office.sent(NoticeForwardedV1)
    assert [str(event.forwarding_id) for event in events] == [first.json()["id"], second.json()["id"]]


async def test_a_preview_says_how_many_units_are_new(office: RunningOffice) -> None:
    notice = await office.published()

    async def preview(code: str, **recipients: JsonValue) -> tuple[int, int]:
        response = await office.unit(code).post(
            f"{N}/{notice}/forward/preview", json={"recipients": recipients}
        )
        assert response.status_code == 200, response.text
        return response.json()["total"], response.json()["new"]

    assert await preview("370000") == (2, 2)
    await forward(office, "370000", notice, recipients=picked(office, "370100"))
    assert await preview("370000") == (2, 1)
    assert await preview("370000", reach="subtree") == (8, 7)
    assert await preview("370000", **picked(office, "370100")) == (1, 0)
    assert await preview("100000") == (2, 0)
    refused = await office.unit("370102").post(f"{N}/{notice}/forward/preview", json={})
    assert refused.status_code == 404


async def test_only_new_units_of_a_picked_list_are_addressed_again(office: RunningOffice) -> None:
    notice = await office.published("370000", recipients=picked(office, "370100"))
    both = await forward(office, "370000", notice, recipients=picked(office, "370100", "370200"))
    assert (both.status_code, both.json()["delivered_to"]) == (201, 1)
    again = await forward(office, "370000", notice, recipients=picked(office, "370100", "370200"))
    assert (again.status_code, again.json()["code"]) == (409, "already_forwarded")


async def test_a_unit_keeps_the_dispatch_that_reached_it_first(office: RunningOffice) -> None:
    notice = await office.published("100000", recipients={"reach": "subtree"})
    office.clock.advance(timedelta(minutes=1))
    response = await forward(office, "370000", notice, cover_text="省里的话")
    assert (response.status_code, response.json()["delivered_to"]) == (201, 2)
    seen = (await office.unit("370100").get(f"{N}/{notice}")).json()
    assert seen["delivery"]["sender"] == office.world.ref("100000")
    # The words of a later dispatch on the way are shown all the same, but not to other branches.
    assert [cover["cover_text"] for cover in seen["delivery"]["covers"]] == ["省里的话"]
    other = (await office.unit("320100").get(f"{N}/{notice}")).json()
    assert other["delivery"]["covers"] == []
    lines = (await office.unit("370100").get(f"{N}/inbox")).json()["items"]
    assert [line["id"] for line in lines] == [notice]


async def test_words_to_some_units_are_not_shown_to_others(office: RunningOffice) -> None:
    notice = await office.published()
    await forward(office, "370000", notice, recipients=picked(office, "370100"), cover_text="给济南")
    await forward(office, "370000", notice, recipients=picked(office, "370200"), cover_text="给青岛")
    for code, words in (("370100", "给济南"), ("370200", "给青岛")):
        covers = (await office.unit(code).get(f"{N}/{notice}")).json()["delivery"]["covers"]
        assert [cover["cover_text"] for cover in covers] == [words]


async def test_a_unit_forwards_below_itself_only(office: RunningOffice) -> None:
    notice = await office.published()
    for codes in (("320100",), ("100000",), ("370000",)):
        response = await forward(office, "370000", notice, recipients=picked(office, *codes))
        assert (response.status_code, response.json()["code"]) == (403, "recipients_out_of_reach")


async def test_two_dispatches_at_once_are_numbered_one_after_the_other(office: RunningOffice) -> None:
    notice = await office.published()
    answers = await asyncio.gather(
        forward(office, "370000", notice, recipients=picked(office, "370100")),
        forward(office, "370000", notice, recipients=picked(office, "370200")),
    )
    assert sorted(answer.json()["number"] for answer in answers) == [1, 2]


async def test_a_withdrawal_is_never_earlier_than_what_it_ends(
    office: RunningOffice, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Signatures and forwardings race a withdrawal: each came before it, or was refused."""
    now = office.clock.now()
    ticks = count(1)
    monkeypatch.setattr(office.clock, "now", lambda: now + timedelta(microseconds=next(ticks)))
    for _ in range(6):
        notice = await office.published()
        answers = await asyncio.gather(
            office.unit("370000").post(f"{N}/{notice}/sign"),
            forward(office, "370000", notice),
            office.unit("100000").post(f"{N}/{notice}/withdraw", json={"reason": "内容有误"}),
            office.unit("320000").post(f"{N}/{notice}/sign"),
            forward(office, "320000", notice),
        )
        assert answers[2].status_code == 200
        withdrawn = answers[2].json()["withdrawn_at"]
        for answer in (*answers[:2], *answers[3:]):
            body = answer.json()
            if answer.status_code == 201:
                assert (body.get("signed_at") or body["forwarded_at"]) <= withdrawn
            else:
                assert (answer.status_code, body["code"]) == (409, "notice_withdrawn")
