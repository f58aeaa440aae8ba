"""A record counts once, whatever files and sources it comes from; corrections and deletions are batches."""

import asyncio
import csv
import io
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID, uuid4

import httpx
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import text

from cockpit.intake.receiving import Receiver
from cockpit.intake.record_repository import RecordRepository
from cockpit.intake.repository import BatchRepository
from cockpit.intake.reversing import Reversals
from cockpit.models import Batch
from services.cockpit.tests.support.running_cockpit import (
    Cockpit,
    Start,
    amount,
    award,
    csv_of,
    move,
    stored,
    withdraw,
)

PERSON = "person-0000000000000001"


async def send(cockpit: Cockpit, rows: Sequence[dict[str, str]], unit: str = "county", **params: Any) -> Any:
    """Upload awards and return the batch's detail."""
    made = await cockpit.upload("award", unit, csv_of(rows), **params)
    assert made.status_code == 201, made.text
    found = await cockpit.http.get(made.headers["location"], headers=cockpit.bearer(unit))
    return found.json()


async def quarantine(cockpit: Cockpit, batch_id: str, by: str = "county") -> list[list[str]]:
    answer = await cockpit.http.get(
        f"/api/v1/intake/batches/{batch_id}/quarantine.csv", headers=cockpit.bearer(by)
    )
    return list(csv.reader(io.StringIO(answer.text)))[1:]


async def reverse(cockpit: Cockpit, batch_id: str, by: str = "county") -> httpx.Response:
    return await cockpit.http.post(f"/api/v1/intake/batches/{batch_id}/reverse", headers=cockpit.bearer(by))


async def test_a_record_that_counts_is_refused_as_duplicate_or_conflict(cockpit: Cockpit) -> None:
    same, other = award(amount="5"), award(amount="7")
    first = await send(cockpit, [same, other])
    changed = {**other, "amount": "8.00"}
    rows = [{**same, "amount": "5.00", "term": "spring"}, changed, award(amount="1")]
    # The dry run says the same, and keeps nothing.
    before = await stored(cockpit)
    checked = await cockpit.http.post(
        "/api/v1/intake/checks",
        params={"feed": "award", "unit": str(cockpit.world["county"].id)},
        content=csv_of(rows),
        headers={**cockpit.bearer(), "Content-Type": "text/csv"},
    )
    assert await stored(cockpit) == before
    second = await send(cockpit, rows, source="另一来源")
    for counts in (checked.json(), {**second, **second["batch"]}):
        assert (counts["accepted"], counts["rejected"]) == (1, 2)
        assert counts["rejected_by_reason"] == {"already_counted": 1, "record_conflict": 1}
    named = first["batch"]["id"]
    assert [line[:3] for line in await quarantine(cockpit, second["batch"]["id"])] == [
        ["2", "already_counted", f"与批次 {named} 中已计入的记录完全相同，不重复计入"],
        [
            *("3", "record_conflict"),
            f"批次 {named} 中已计入标识相同而内容不同的记录；如要更正，请作为更正批次上传",
        ],
    ]
    assert await amount(cockpit) == "13.00"
    # The same record id of another unit is another record; and the unit stays the same when it moves.
    await send(cockpit, [{**same, "unit_code": "3701020002"}])
    await move(cockpit, "county", "province")
    again = await send(cockpit, [same, award(amount="2")], unit="centre")
    assert again["rejected_by_reason"] == {"already_counted": 1}
    assert await amount(cockpit, "centre") == "20.00"


async def test_a_batch_that_a_reader_may_not_see_is_not_named(cockpit: Cockpit) -> None:
    row = award(amount="5")
    hidden = (await send(cockpit, [row], unit="city"))["batch"]["id"]
    batch = await send(cockpit, [row])
    assert batch["batch"]["status"] == "rejected"
    (line,) = await quarantine(cockpit, batch["batch"]["id"])
    assert line[1:3] == ["already_counted", "与另一批次中已计入的记录完全相同，不重复计入"]
    # Withdrawn, it does not count, and its records can come from another.
    await withdraw(cockpit, hidden, "city")
    assert (await send(cockpit, [row, award(amount="1")]))["batch"]["accepted"] == 2
    assert await amount(cockpit) == "6.00"


async def test_a_correction_replaces_records_and_its_withdrawal_restores_them(cockpit: Cockpit) -> None:
    one, two = award(amount="5", person_token=PERSON), award(amount="7")
    original = (await send(cockpit, [one, two]))["batch"]["id"]
    # The facts that it reverses stay where they were.
    await move(cockpit, "school", "sibling")
    fixed = {**one, "amount": "6", "stage": "普通高中", "unit_code": "3701020001"}
    rows = [fixed, two, {**award(amount="1"), "record_id": "unknown"}]
    correction = await send(cockpit, rows, unit="city", mode="correction")
    assert correction["rejected_by_reason"] == {"already_counted": 1, "nothing_to_correct": 1}
    assert correction["corrects"] == [original]
    assert correction["batch"]["mode"] == "correction"
    lines = await quarantine(cockpit, correction["batch"]["id"], "city")
    assert "没有可更正的记录：该单位没有这一标识的记录计入" in [line[2] for line in lines]
    assert (await amount(cockpit, "city"), await amount(cockpit), await amount(cockpit, "sibling")) == (
        *("13.00", "7.00"),
        "6.00",
    )
    awards = (await cockpit.overview("city"))["awards"]
    assert (awards["person_times"], awards["persons"]) == (2, 2)
    for verdict in await cockpit.app.state.cell_verifier.code("award", "370100", 2017):
        assert (verdict.settled, verdict.differences) == (True, [])

    # Whose records have been corrected cannot be withdrawn before the correction.
    refused = await reverse(cockpit, original)
    assert (refused.status_code, refused.json()["code"]) == (409, "batch_corrected")
    assert correction["batch"]["id"] not in refused.text
    assert correction["batch"]["id"] in (await reverse(cockpit, original, "city")).json()["detail"]
    await withdraw(cockpit, correction["batch"]["id"], "city")
    assert (await amount(cockpit), await amount(cockpit, "sibling")) == ("12.00", "0.00")
    await withdraw(cockpit, original, "city")
    assert await amount(cockpit, "city") == "0.00"


async def test_a_commit_refers_to_a_batch_that_is_being_withdrawn_without_waiting(cockpit: Cockpit) -> None:
    """The withdrawal waits for the versions of the records that the commit holds: both would wait."""
    earlier = UUID((await send(cockpit, [award()]))["batch"]["id"])
    later = UUID((await send(cockpit, [award()]))["batch"]["id"])
    async with cockpit.database.transaction() as withdrawal, cockpit.database.transaction() as commit:
        await BatchRepository(withdrawal).locked(earlier)
        await commit.execute(text("SET LOCAL lock_timeout = '2s'"))
        await RecordRepository(commit).succeed(later, {earlier})


async def test_deleted_records_do_not_count_and_can_come_again(cockpit: Cockpit) -> None:
    one, two = award(amount="5"), award(amount="7")
    first = (await send(cockpit, [one, two]))["batch"]["id"]
    rows = [one, {**two, "amount": "8"}, award()]
    gone = await send(cockpit, rows, mode="deletion")
    assert gone["rejected_by_reason"] == {"record_differs": 1, "nothing_to_delete": 1}
    assert (gone["batch"]["accepted"], gone["corrects"]) == (1, [first])
    assert await amount(cockpit) == "7.00"
    again = await send(cockpit, [one, award(amount="1")])
    assert set(again["corrects"]) == {first, gone["batch"]["id"]}
    assert await amount(cockpit) == "13.00"
    # The deletion brings back what counts again: only after that has been withdrawn.
    assert (await reverse(cockpit, gone["batch"]["id"])).json()["code"] == "batch_corrected"
    for batch in (again, gone):
        await withdraw(cockpit, batch["batch"]["id"], "county")
    assert await amount(cockpit) == "12.00"
    # Rows to delete are kept nowhere: two facts, and two reversals of each of the three batches.
    facts = await cockpit.app.state.analytics.query("SELECT count() AS n, sum(sign) AS net FROM award_facts")
    assert facts == [{"n": 2 + 2 + 4, "net": 2}]


async def test_published_tables_are_editions_which_nobody_corrects(cockpit: Cockpit) -> None:
    for mode in ("correction", "deletion"):
        answer = await cockpit.upload("published_aggregate", "county", "year\n2017", mode=mode)
        assert (answer.status_code, answer.json()["code"]) == (400, "editions_not_corrected")


KEYS = ("r-1", "r-2", "r-3")


@dataclass(frozen=True)
class Act:
    """A batch of amounts by record, or the withdrawal of one of the batches."""

    mode: str
    rows: dict[str, int]
    at: int


_ACT = st.builds(
    Act,
    mode=st.sampled_from(["new", "correction", "deletion", "withdraw"]),
    rows=st.dictionaries(st.sampled_from(KEYS), st.integers(1, 3), min_size=1),
    at=st.integers(0, 5),
)


class Model:
    """Records that count, and what each batch did to them: before and after."""

    def __init__(self) -> None:
        self.counting: dict[str, int] = {}
        self.batches: dict[str, dict[str, tuple[int | None, int | None]]] = {}

    def taken(self, act: Act) -> dict[str, tuple[int | None, int | None]]:
        effects: dict[str, tuple[int | None, int | None]] = {}
        for key, value in act.rows.items():
            now = self.counting.get(key)
            if act.mode == "new" and now is None:
                effects[key] = None, value
            elif act.mode == "correction" and now not in {None, value}:
                effects[key] = now, value
            elif act.mode == "deletion" and now == value:
                effects[key] = now, None
        return effects

    def last(self, batch: str) -> bool:
        names = list(self.batches)
        later = names[names.index(batch) + 1 :]
        return not any(self.batches[name].keys() & self.batches[batch].keys() for name in later)

    def put(self, effects: dict[str, tuple[int | None, int | None]], side: int) -> None:
        for key, effect in effects.items():
            value = effect[side]
            self.counting.pop(key, None)
            if value is not None:
                self.counting[key] = value


@settings(max_examples=5, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(acts=st.lists(_ACT, min_size=4, max_size=9))
async def test_any_batches_corrections_and_withdrawals_equal_a_model(
    cockpit: Cockpit, acts: list[Act]
) -> None:
    model = Model()
    for act in acts:
        if act.mode == "withdraw":
            if not model.batches:
                continue
            batch = list(model.batches)[act.at % len(model.batches)]
            done = await reverse(cockpit, batch)
            assert done.status_code == (200 if model.last(batch) else 409), done.text
            if done.status_code == 200:
                model.put(model.batches.pop(batch), 0)
            continue
        rows = [
            award(record_id=key, amount=str(value), person_token=f"person-{key}-{value:010d}")
            for key, value in act.rows.items()
        ]
        # A file that is sent again is another batch here.
        mark = award(unit_code="999999")
        made = await send(cockpit, [*rows, mark], mode=act.mode)
        effects = model.taken(act)
        assert made["batch"]["accepted"] == len(effects)
        if effects:
            model.batches[made["batch"]["id"]] = effects
            model.put(effects, 1)
    awards = (await cockpit.overview("county"))["awards"]
    assert Decimal(awards["amount"]["yuan"]) == sum(model.counting.values())
    assert (awards["person_times"], awards["persons"]) == (len(model.counting), len(model.counting))
    for verdict in await cockpit.app.state.cell_verifier.code("award", "370102", 2017):
        assert (verdict.settled, verdict.differences) == (True, [])
    for batch in reversed(list(model.batches)):
        await withdraw(cockpit, batch, "county")
    assert await amount(cockpit) == "0.00"


async def test_two_processes_that_commit_the_same_records_count_them_once(
    start: Start, monkeypatch: pytest.MonkeyPatch
) -> None:
    commit, both = Receiver._commit, asyncio.Barrier(2)
    rows = [award(amount="5"), award(amount="7")]
    tried: list[object] = []

    async def commit_together(self: Receiver, batch: Batch, *rest: Any) -> Batch:
        # Both have compared their rows, and found nothing, before either commits.
        tried.append(batch.id)
        if len(tried) <= 2:
            await both.wait()
        return await commit(self, batch, *rest)

    monkeypatch.setattr(Receiver, "_commit", commit_together)
    async with start() as one, start() as other:
        answers = await asyncio.gather(
            one.upload("award", "county", csv_of([*rows, award(amount="1")])),
            other.upload("award", "city", csv_of([*rows, award(amount="1")])),
        )
        assert [answer.status_code for answer in answers] == [201, 201]
        assert sorted(answer.json()["accepted"] for answer in answers) == [1, 3]
        for process in (one, other):
            assert await amount(process, "city") == "14.00"

        # The same batch to both: one takes it in, the others hear that it is received, or what it became.
        tried.clear()
        monkeypatch.setattr(Receiver, "_commit", commit)
        text, batch_id = csv_of([award(amount="3")]), str(uuid4())
        repeated = await asyncio.gather(
            *(process.upload("award", "county", text, batch_id=batch_id) for process in (one, other, one))
        )
        assert {answer.status_code for answer in repeated} <= {200, 201, 409}
        assert [answer.status_code for answer in repeated].count(201) == 1
        assert await amount(other, "city") == "17.00"


async def test_a_batch_is_alive_while_the_store_of_facts_works(
    cockpit: Cockpit, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A comparison of the country takes longer than a batch, or facts that do not count, are kept silent."""
    monkeypatch.setattr("cockpit.intake.turns.BEAT", timedelta(milliseconds=20))
    receiver: Receiver = cockpit.app.state.receiver
    signs = text("SELECT max(touched_at) FROM batches"), text("SELECT max(discarded_at) FROM discarded_loads")

    async def seen() -> list[Any]:
        async with cockpit.database.transaction() as session:
            return [await session.scalar(one) for one in signs]

    def slow(call: Any) -> Any:
        async def until_alive(*given: Any) -> Any:
            before = await seen()
            async with asyncio.timeout(20):
                while await seen() == before:  # noqa: ASYNC110 - a sign of life is only written down
                    await asyncio.sleep(0.01)
            return await call(*given)

        return until_alive

    monkeypatch.setattr(receiver._comparer, "compare", slow(receiver._comparer.compare))
    reversals: Reversals = cockpit.app.state.reversals
    monkeypatch.setattr(reversals._facts, "reverse", slow(reversals._facts.reverse))
    checked = await cockpit.http.post(
        "/api/v1/intake/checks",
        params={"feed": "award", "unit": str(cockpit.world["county"].id)},
        content=csv_of([award()]),
        headers={**cockpit.bearer(), "Content-Type": "text/csv"},
    )
    assert checked.status_code == 200, checked.text
    await withdraw(cockpit, (await send(cockpit, [award()]))["batch"]["id"], "county")


async def test_corrected_rows_of_a_quarantine_are_a_batch_of_its_batch(cockpit: Cockpit) -> None:
    rows = [award(amount="1"), award(amount="-2"), award(amount="3", unit_code="999999"), award(amount="x")]
    first = await send(cockpit, rows)
    batch_id = first["batch"]["id"]
    assert first["family"] == {"resubmissions": [], "accepted": 1, "outstanding": 3}
    url = f"/api/v1/intake/batches/{batch_id}"
    file = (await cockpit.http.get(f"{url}/quarantine.csv", headers=cockpit.bearer())).text
    file = file.replace("'-2", "2").replace("999999", "3701020001")
    child = (await cockpit.upload("award", "county", file, resubmits=batch_id)).json()
    assert (child["accepted"], child["rejected"], child["parent_id"]) == (2, 1, batch_id)
    family = (await cockpit.http.get(url, headers=cockpit.bearer())).json()["family"]
    assert [one["id"] for one in family["resubmissions"]] == [child["id"]]
    assert (family["accepted"], family["outstanding"]) == (3, 1)
    assert await amount(cockpit) == "6.00"
    # Of another unit or feed, or one without such rows, it cannot be.
    for unit, parent in (("sibling", batch_id), ("county", str(uuid4()))):
        answer = await cockpit.upload("award", unit, csv_of([award()]), resubmits=parent)
        assert (answer.status_code, answer.json()["code"]) == (404, "parent_not_found")


async def test_national_files_count_although_others_commit_all_the_time(
    cockpit: Cockpit, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Two files about all units, and one after the other about some: each waits for those before it."""
    receiver: Receiver = cockpit.app.state.receiver
    compare = receiver._comparer.compare
    small: list[asyncio.Task[httpx.Response]] = []

    async def disturbed(loaded: Any) -> Any:
        found = await compare(loaded)
        # Between a national file's comparison and its commit, as often as it takes.
        if loaded.rows > 1 and len(small) < 60:
            one = asyncio.create_task(cockpit.upload("award", "county", csv_of([award(amount="1")])))
            small.append(one)
            await asyncio.wait([one], timeout=3)
        return found

    monkeypatch.setattr(receiver._comparer, "compare", disturbed)
    monkeypatch.setattr("cockpit.intake.receiving.MOST_COMPARISONS", 8)
    codes = ("3701020001", "3701030001", "37010290001")
    made = await asyncio.gather(
        *(
            cockpit.upload("award", "centre", csv_of([award(unit_code=code, amount="100") for code in codes]))
            for _ in range(2)
        )
    )
    assert [one.status_code for one in made] == [201, 201], [one.text for one in made]
    assert {one.status_code for one in await asyncio.gather(*small)} == {201}
    assert Decimal(await amount(cockpit, "centre")) == 600 + len(small)
    async with cockpit.database.transaction() as session:
        assert not (await session.execute(text("SELECT batch_id FROM record_turns"))).all()
