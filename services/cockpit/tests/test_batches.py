"""A batch counts once, whole or not at all, and can be taken back."""

import asyncio
from collections.abc import Sequence
from contextlib import suppress
from datetime import timedelta
from typing import Any, BinaryIO
from uuid import UUID, uuid4

import pyarrow as pa
import pytest
from sqlalchemy import update
from sqlalchemy.ext.asyncio import AsyncSession

from cockpit.analytics.store import Analytics
from cockpit.intake import reading
from cockpit.intake.errors import BatchSuperseded
from cockpit.intake.facts import FactWriter
from cockpit.intake.receiving import Receiver
from cockpit.intake.repository import BatchRepository
from cockpit.models import Batch
from contracts.cockpit import BatchCommittedV1
from messaging.inbox import Subscription
from servicekit.outages import DatabaseBusy
from servicekit.paging import encode
from services.cockpit.tests.support.running_cockpit import (
    NATIONAL_2017,
    Cockpit,
    Start,
    amount,
    award,
    csv_of,
    stored,
)
from testkit.waiting import moments


async def test_the_same_batch_twice_counts_once(cockpit: Cockpit) -> None:
    for params, headers in (
        ({"batch_id": str(uuid4())}, {}),
        ({}, {"Idempotency-Key": f"key-{uuid4()}"}),
    ):
        text = csv_of([award(amount="5"), award(amount="-1")])
        before = await stored(cockpit)
        first = await cockpit.upload("award", "county", text, headers=headers, **params)
        again = await cockpit.upload("award", "county", text, headers=headers, **params)
        assert (first.status_code, again.status_code) == (201, 200)
        assert again.json() == first.json()
        assert again.headers["idempotency-replayed"] == "true"
        after = await stored(cockpit)
        assert tuple(b - a for a, b in zip(before, after, strict=True)) == (1, 1, 1)

        assert first.json()["batch_id"] == params.get("batch_id")
        other = await cockpit.upload("award", "county", csv_of([award()]), headers=headers, **params)
        assert (other.status_code, other.json()["code"]) == (409, "batch_id_reused")
    assert await amount(cockpit) == "10.00"


async def test_a_batch_without_a_name_is_refused_because_a_retry_would_count_twice(cockpit: Cockpit) -> None:
    response = await cockpit.http.post(
        "/api/v1/intake/batches",
        params={"feed": "award", "source": "s"},
        content=csv_of([award()]),
        headers={**cockpit.bearer(), "Content-Type": "text/csv"},
    )
    assert (response.status_code, response.json()["code"]) == (400, "batch_key_required")
    assert await stored(cockpit) == (0, 0, 0)


async def test_the_same_file_under_another_name_is_refused_until_the_first_is_reversed(
    cockpit: Cockpit,
) -> None:
    text = csv_of([award(amount="5"), award(unit_code="3701030001", amount="7")])
    first = await cockpit.upload("award", "city", text)
    before = await stored(cockpit)
    others: list[dict[str, str]] = [{}, {"batch_id": str(uuid4())}, {"source": "另一来源"}]
    for params in others:
        again = await cockpit.upload("award", "city", text, headers=None, **params)
        assert (again.status_code, again.json()["code"]) == (409, "batch_duplicate")
        assert first.json()["id"] in again.json()["detail"]
    assert await stored(cockpit) == before
    assert await amount(cockpit, "city") == "12.00"
    # Of another unit it is another matter.
    assert (await cockpit.upload("award", "county", text)).status_code == 201

    await cockpit.http.post(f"{first.headers['location']}/reverse", headers=cockpit.bearer("city"))
    assert (await cockpit.upload("award", "city", text)).status_code == 201


async def test_the_same_file_under_two_names_at_the_same_moment_counts_once(
    cockpit: Cockpit, monkeypatch: pytest.MonkeyPatch
) -> None:
    everybody = asyncio.Barrier(3)
    commit = Receiver._commit

    async def commit_together(self: Receiver, batch: Batch, *rest: Any) -> Batch:
        await everybody.wait()
        return await commit(self, batch, *rest)

    monkeypatch.setattr(Receiver, "_commit", commit_together)
    text = csv_of([award(amount="5")])
    answers = await asyncio.gather(*(cockpit.upload("award", "county", text) for _ in range(3)))
    assert sorted(answer.status_code for answer in answers) == [201, 409, 409]
    (made,) = (answer.json()["id"] for answer in answers if answer.status_code == 201)
    for answer in answers:
        if answer.status_code == 409:
            assert answer.json()["code"] == "batch_duplicate"
            assert made in answer.json()["detail"]
    assert await stored(cockpit) == (3, 0, 1)
    assert await amount(cockpit) == "5.00"


async def test_a_batch_id_tells_nothing_about_other_units(cockpit: Cockpit) -> None:
    batch_id = str(uuid4())
    mine = await cockpit.upload("award", "county", csv_of([award()]), batch_id=batch_id)
    theirs = await cockpit.upload(
        "award", "sibling", csv_of([award(unit_code="3701030001")]), batch_id=batch_id
    )
    assert (mine.status_code, theirs.status_code) == (201, 201)
    assert mine.json()["id"] != theirs.json()["id"] != batch_id
    found = await cockpit.http.get(
        "/api/v1/intake/batches", params={"batch_id": batch_id}, headers=cockpit.bearer("city")
    )
    assert {item["id"] for item in found.json()["items"]} == {mine.json()["id"], theirs.json()["id"]}


async def test_a_file_without_a_valid_row_is_rejected_and_the_corrected_one_takes_its_place(
    cockpit: Cockpit,
) -> None:
    batch_id = str(uuid4())
    bad = csv_of([award(amount="-1"), award(amount="x")])
    made = await cockpit.upload("award", "county", bad, batch_id=batch_id)
    assert (made.status_code, made.json()["status"], made.json()["rejected"]) == (201, "rejected", 2)
    assert made.json()["committed_at"] is None
    again = await cockpit.upload("award", "county", bad, batch_id=batch_id)
    assert (again.status_code, again.json()) == (200, made.json())
    undone = await cockpit.http.post(f"{made.headers['location']}/reverse", headers=cockpit.bearer())
    assert undone.json()["code"] == "batch_not_reversible"

    good = csv_of([award(amount="5")])
    corrected = await cockpit.upload("award", "county", good, batch_id=batch_id)
    assert (corrected.json()["id"], corrected.json()["status"]) == (made.json()["id"], "committed")
    assert await stored(cockpit) == (1, 0, 1)
    assert await amount(cockpit) == "5.00"


async def test_the_same_batch_twice_at_the_same_moment_counts_once(cockpit: Cockpit) -> None:
    text = csv_of([award(amount="5") for _ in range(50)])
    batch_id = str(uuid4())
    answers = await asyncio.gather(
        *(cockpit.upload("award", "county", text, batch_id=batch_id) for _ in range(4))
    )
    statuses = sorted(answer.status_code for answer in answers)
    assert statuses.count(201) == 1
    assert set(statuses) <= {200, 201, 409}
    assert await amount(cockpit) == "250.00"


async def test_a_reversed_batch_leaves_the_numbers_as_before(cockpit: Cockpit) -> None:
    person = "person-0000000000000001"
    await cockpit.upload("award", "county", csv_of([award(amount="1", person_token=person)]))
    await cockpit.upload("published_aggregate", "county", NATIONAL_2017.read_bytes(), source="旧")
    before = await cockpit.overview("county")
    for feed, text in (
        ("award", csv_of([award(amount="2", person_token=person), award(amount="4", year="2020")])),
        ("published_aggregate", NATIONAL_2017.read_text().replace("1882", "1900")),
    ):
        made = await cockpit.upload(feed, "county", text, source="旧" if feed != "award" else "新")
        assert await cockpit.overview("county") != before
        url = f"{made.headers['location']}/reverse"
        for _ in range(2):
            undone = await cockpit.http.post(url, headers=cockpit.bearer())
            assert (undone.status_code, undone.json()["status"]) == (200, "reversed")
        after = await cockpit.overview("county")
        assert {**after, "as_of": None} == {**before, "as_of": None}
    years = await cockpit.http.get("/api/v1/overview/years", headers=cockpit.bearer())
    assert years.json()["years"] == [2017]
    rows = await cockpit.app.state.analytics.query("SELECT sum(sign) AS net, count() AS n FROM award_facts")
    assert rows == [{"net": 1, "n": 5}]


@pytest.mark.parametrize("end", [DatabaseBusy, asyncio.CancelledError])
async def test_a_file_is_taken_again_at_once_after_the_database_was_lost_with_it(
    cockpit: Cockpit, monkeypatch: pytest.MonkeyPatch, end: type[BaseException]
) -> None:
    async def lost(*_: object) -> None:
        raise end

    text, batch_id = csv_of([award(amount="5")]), str(uuid4())
    with monkeypatch.context() as patch, suppress(asyncio.CancelledError):
        # Neither the commit nor the end of the attempt can be recorded.
        patch.setattr(Receiver, "_commit", lost)
        patch.setattr(BatchRepository, "discard", lost)
        refused = await cockpit.upload("award", "county", text, batch_id=batch_id)
        assert (refused.status_code, refused.json()["code"]) == (503, "database_busy")
    again = await cockpit.upload("award", "county", text, batch_id=batch_id)
    assert again.status_code == 201
    assert await amount(cockpit) == "5.00"


async def test_a_file_is_taken_again_at_once_after_the_answer_to_its_beginning_was_lost(
    cockpit: Cockpit, monkeypatch: pytest.MonkeyPatch
) -> None:
    claim, commit = BatchRepository.claim, AsyncSession.commit
    text, batch_id = csv_of([award(amount="5")]), str(uuid4())
    with monkeypatch.context() as patch:

        async def claimed(self: BatchRepository, values: dict[str, object]) -> bool:
            patch.setattr(AsyncSession, "commit", answer_lost)
            return await claim(self, values)

        async def answer_lost(session: AsyncSession) -> None:
            await commit(session)
            raise DatabaseBusy

        patch.setattr(BatchRepository, "claim", claimed)
        refused = await cockpit.upload("award", "county", text, batch_id=batch_id)
        assert (refused.status_code, refused.json()["code"]) == (503, "database_busy")
    again = await cockpit.upload("award", "county", text, batch_id=batch_id)
    assert again.status_code == 201
    assert await amount(cockpit) == "5.00"


class Crash(BaseException):
    """As good as a kill: nothing of ours handles it."""


@pytest.mark.parametrize("step", ["_commit", "quarantine"])
async def test_a_crash_after_the_facts_and_before_the_commit_counts_nothing(
    start: Start, monkeypatch: pytest.MonkeyPatch, step: str
) -> None:
    async def crash(*_: object) -> None:
        raise Crash

    text = csv_of([award(amount="5"), award(amount="-1")])
    batch_id = str(uuid4())
    async with start() as cockpit:
        with monkeypatch.context() as patch:
            patch.setattr(Receiver if step == "_commit" else BatchRepository, step, crash)
            with pytest.raises(Crash):
                await cockpit.upload("award", "county", text, batch_id=batch_id)
        assert (await stored(cockpit))[2] == 1
        assert await amount(cockpit) == "0.00"
        assert (await cockpit.overview("county"))["children"][0]["person_times"] == 0
        busy = await cockpit.upload("award", "county", text, batch_id=batch_id)
        assert (busy.status_code, busy.json()["code"]) == (409, "batch_in_progress")
        async with cockpit.database.transaction() as session:
            # The clock of the next process is behind.
            await session.execute(update(Batch).values(touched_at=Batch.touched_at + timedelta(seconds=5)))
    async with start() as cockpit:
        listed = (await cockpit.http.get("/api/v1/intake/batches", headers=cockpit.bearer())).json()["items"]
        assert [(item["status"], item["failure"]) for item in listed] == [("failed", "interrupted")]
        assert await stored(cockpit) == (1, 0, 0)
        unfinished = await cockpit.http.post(
            f"/api/v1/intake/batches/{listed[0]['id']}/reverse", headers=cockpit.bearer()
        )
        assert (unfinished.status_code, unfinished.json()["code"]) == (409, "batch_not_reversible")
        again = await cockpit.upload("award", "county", text, batch_id=batch_id)
        assert (again.status_code, again.json()["status"], again.json()["failure"]) == (
            201,
            "committed",
            None,
        )
        assert await amount(cockpit) == "5.00"


async def test_facts_are_inserted_in_large_batches(cockpit: Cockpit, monkeypatch: pytest.MonkeyPatch) -> None:
    assert reading.INSERT_ROWS >= 100_000
    inserts: list[int] = []
    insert = Analytics.insert

    async def counted_insert(
        self: Analytics,
        table: str,
        columns: Sequence[str],
        lines: BinaryIO,
        format_: str = "JSONCompactEachRow",
    ) -> None:
        if table == "award_facts":
            inserts.append(pa.ipc.open_stream(lines).read_all().num_rows)
            lines.seek(0)
        await insert(self, table, columns, lines, format_)

    monkeypatch.setattr(Analytics, "insert", counted_insert)
    rows = [award(amount="-1" if n % 10 == 9 else "1") for n in range(13_000)]
    made = await cockpit.upload("award", "county", csv_of(rows))
    assert (made.json()["accepted"], made.json()["rejected"]) == (11_700, 1_300)
    assert inserts == [11_700]
    parts = await cockpit.app.state.analytics.query(
        "SELECT count() AS n FROM system.parts"
        " WHERE database = currentDatabase() AND table = 'award_facts' AND active"
    )
    assert parts == [{"n": 1}]

    # In pieces, so that neither memory nor disk grows with the file.
    monkeypatch.setattr(reading, "INSERT_ROWS", 6_000)
    inserts.clear()
    await cockpit.upload("award", "county", csv_of([award(amount="1") for _ in range(13_000)]))
    assert len(inserts) == 2
    assert (sum(inserts), min(inserts) < 6_000 <= max(inserts)) == (13_000, True)
    assert await amount(cockpit) == "24700.00"


@pytest.mark.parametrize("times", [0, 2])
async def test_a_batch_counts_only_if_the_store_holds_exactly_its_facts(
    cockpit: Cockpit, monkeypatch: pytest.MonkeyPatch, times: int
) -> None:
    insert = Analytics.insert

    async def insert_often(
        self: Analytics, table: str, columns: Sequence[str], lines: BinaryIO, format_: str
    ) -> None:
        for _ in range(times):
            lines.seek(0)
            await insert(self, table, columns, lines, format_)

    with monkeypatch.context() as patch:
        patch.setattr(Analytics, "insert", insert_often)
        refused = await cockpit.upload("award", "county", csv_of([award(amount="5")]))
    assert (refused.status_code, refused.json()["code"]) == (503, "facts_incomplete")
    assert await stored(cockpit) == (1, 0, 0)


async def test_reversing_at_the_same_moment_reverses_once(cockpit: Cockpit) -> None:
    made = await cockpit.upload("award", "county", csv_of([award(amount="5"), award(amount="6")]))
    url = f"{made.headers['location']}/reverse"
    answers = await asyncio.gather(*(cockpit.http.post(url, headers=cockpit.bearer()) for _ in range(4)))
    assert [(answer.status_code, answer.json()["status"]) for answer in answers] == [(200, "reversed")] * 4
    assert await amount(cockpit) == "0.00"
    receiver: Receiver = cockpit.app.state.receiver
    await receiver.sweep(timedelta(0))
    assert await stored(cockpit) == (1, 0, 4)


async def test_a_reversal_that_was_interrupted_leaves_no_facts(
    start: Start, monkeypatch: pytest.MonkeyPatch
) -> None:
    reverse = FactWriter.reverse

    async def reverse_and_crash(self: FactWriter, feed: str, load_id: UUID, reversal_id: UUID) -> None:
        await reverse(self, feed, load_id, reversal_id)
        raise Crash

    async with start() as cockpit:
        made = await cockpit.upload("award", "county", csv_of([award(amount="5")]))
        url = f"{made.headers['location']}/reverse"
        with monkeypatch.context() as patch:
            patch.setattr(FactWriter, "reverse", reverse_and_crash)
            with pytest.raises(Crash):
                await cockpit.http.post(url, headers=cockpit.bearer())
        assert (await stored(cockpit))[2] == 2
        assert await amount(cockpit) == "5.00"
    async with start() as cockpit:
        assert await stored(cockpit) == (1, 0, 1)
        undone = await cockpit.http.post(url, headers=cockpit.bearer())
        assert undone.json()["status"] == "reversed"
        assert await amount(cockpit) == "0.00"


async def test_a_reversal_whose_facts_the_sweep_deletes_does_not_count(
    cockpit: Cockpit, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = await cockpit.upload("award", "county", csv_of([award(amount="5")]))
    url = f"{made.headers['location']}/reverse"
    deleting, go_on = asyncio.Event(), asyncio.Event()
    delete = FactWriter.delete

    async def delete_when_told(self: FactWriter, feed: str, load_id: UUID) -> None:
        deleting.set()
        await go_on.wait()
        await delete(self, feed, load_id)

    reverse = FactWriter.reverse
    sweeps: list[asyncio.Task[int]] = []

    async def reverse_while_swept(self: FactWriter, feed: str, load_id: UUID, reversal_id: UUID) -> None:
        await reverse(self, feed, load_id, reversal_id)
        sweeps.append(asyncio.create_task(cockpit.app.state.receiver.sweep(timedelta(0))))
        await deleting.wait()

    with monkeypatch.context() as patch:
        patch.setattr(FactWriter, "delete", delete_when_told)
        patch.setattr(FactWriter, "reverse", reverse_while_swept)
        refused = await cockpit.http.post(url, headers=cockpit.bearer())
        go_on.set()
        await sweeps[0]
    assert (refused.status_code, refused.json()["code"]) == (409, "batch_in_progress")
    assert (await amount(cockpit), (await stored(cockpit))[2]) == ("5.00", 1)
    assert (await cockpit.http.post(url, headers=cockpit.bearer())).status_code == 200
    assert await amount(cockpit) == "0.00"


async def test_a_failure_in_the_middle_gives_the_batch_up_and_removes_its_facts(
    cockpit: Cockpit, monkeypatch: pytest.MonkeyPatch
) -> None:
    insert = Analytics.insert

    async def insert_and_fail(
        self: Analytics, table: str, columns: Sequence[str], lines: BinaryIO, format_: str
    ) -> None:
        await insert(self, table, columns, lines, format_)
        raise OSError("disk full")

    with monkeypatch.context() as patch:
        patch.setattr(Analytics, "insert", insert_and_fail)
        response = await cockpit.upload("award", "county", csv_of([award()]))
    assert (response.status_code, response.json()["code"]) == (500, "internal_error")
    assert await stored(cockpit) == (1, 0, 0)
    listed = (await cockpit.http.get("/api/v1/intake/batches", headers=cockpit.bearer())).json()["items"]
    assert [(item["status"], item["failure"]) for item in listed] == [("failed", "internal_error")]


async def test_a_batch_whose_commit_was_not_acknowledged_stays_committed(
    cockpit: Cockpit, monkeypatch: pytest.MonkeyPatch
) -> None:
    commit = Receiver._commit

    async def commit_and_lose_the_answer(self: Receiver, batch: Batch, *rest: Any) -> Batch:
        await commit(self, batch, *rest)
        raise OSError("connection lost")

    text = csv_of([award(amount="5"), award(amount="-1")])
    key = {"Idempotency-Key": f"key-{uuid4()}"}
    with monkeypatch.context() as patch:
        patch.setattr(Receiver, "_commit", commit_and_lose_the_answer)
        response = await cockpit.upload("award", "county", text, headers=key)
    assert response.status_code == 500
    assert await stored(cockpit) == (1, 1, 1)
    assert await amount(cockpit) == "5.00"
    again = await cockpit.upload("award", "county", text, headers=key)
    assert (again.status_code, again.json()["status"], again.json()["failure"]) == (200, "committed", None)
    assert await amount(cockpit) == "5.00"


def test_only_a_batch_that_is_being_received_can_be_given_up() -> None:
    for status in ("committed", "reversed", "failed"):
        batch = Batch(status=status)
        with pytest.raises(BatchSuperseded):
            batch.fail("interrupted")
        assert batch.status == status


async def test_a_committed_batch_is_told_of_once(cockpit: Cockpit) -> None:
    heard: list[BatchCommittedV1] = []

    async def hear(_: object, event: BatchCommittedV1, __: object) -> None:
        heard.append(event)

    processor = cockpit.bus._subscriptions[0][1]
    cockpit.bus.subscribe(Subscription("test.batches", (BatchCommittedV1,), hear), processor)
    batch_id = str(uuid4())
    text = csv_of([award(), award(amount="0")])
    for _ in range(2):
        made = (await cockpit.upload("award", "county", text, batch_id=batch_id)).json()["id"]
    await cockpit.upload("award", "county", b"", batch_id=str(uuid4()))
    async for _ in moments():
        if heard:
            break
    assert [(str(e.batch_id), e.feed, e.accepted, e.rejected) for e in heard] == [(made, "award", 1, 1)]


async def test_batches_are_listed_newest_first_by_pages_and_filters(cockpit: Cockpit) -> None:
    ids = [
        (await cockpit.upload("award", "county", csv_of([award()]))).json()["id"],
        (await cockpit.upload("published_aggregate", "county", NATIONAL_2017.read_bytes())).json()["id"],
        (await cockpit.upload("award", "city", csv_of([award()]))).json()["id"],
    ]

    async def listed(**params: str) -> list[str]:
        found: list[str] = []
        cursor: dict[str, str] = {}
        while True:
            response = await cockpit.http.get(
                "/api/v1/intake/batches",
                params={"limit": "1", **params, **cursor},
                headers=cockpit.bearer("city"),
            )
            page = response.json()
            found += [item["id"] for item in page["items"]]
            if page["next"] is None:
                return found
            cursor = {"cursor": page["next"]}

    assert await listed() == ids[::-1]
    assert await listed(feed="award") == [ids[2], ids[0]]
    assert await listed(unit=str(cockpit.world["county"].id)) == [ids[1], ids[0]]
    assert await listed(status="failed") == []
    for key in (["x"], ["9999-12-31T23:59:59-23:59", ids[0]], ["2026-03-02T01:00:00", ids[0]]):
        bad = await cockpit.http.get(
            "/api/v1/intake/batches", params={"cursor": encode(key)}, headers=cockpit.bearer("city")
        )
        assert (bad.status_code, bad.json()["code"]) == (400, "bad_cursor")
