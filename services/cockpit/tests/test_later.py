"""What happens to a batch after its commit: its unit moves, its load is added to the cells late."""

from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import pytest

from cockpit.cells.building import FAILED, CellBuilder
from cockpit.cells.load_repository import LoadRepository
from cockpit.cells.models import CellLoad
from cockpit.cells.service import Cells, LoadDeltas
from servicekit.ids import new_id
from services.cockpit.tests.support.running_cockpit import Cockpit, award, csv_of, move, paths


async def test_batches_and_uploads_are_in_reach_of_the_present_superior_only(
    cockpit: Cockpit,
) -> None:
    made = await cockpit.upload("award", "county", csv_of([award(amount="5")]))
    begun = await cockpit.http.post(
        "/api/v1/intake/uploads",
        json={"feed": "award", "source": "大文件", "content_type": "text/csv", "size_bytes": 10},
        headers=cockpit.bearer("county"),
    )
    await move(cockpit, "county", "centre")
    path = (await paths(cockpit))["county"]
    county, former = cockpit.bearer("county", unit_path=path), cockpit.bearer("city")
    for one, listed in (
        (made.headers["location"], "/api/v1/intake/batches"),
        (begun.headers["location"], "/api/v1/intake/uploads"),
    ):
        assert (await cockpit.http.get(one, headers=former)).json()["code"] == "out_of_reach"
        assert (await cockpit.http.get(listed, headers=former)).json()["items"] == []
        for headers in (county, cockpit.bearer("centre")):
            assert (await cockpit.http.get(one, headers=headers)).status_code == 200
            assert len((await cockpit.http.get(listed, headers=headers)).json()["items"]) == 1
    reverse = f"{made.headers['location']}/reverse"
    assert (await cockpit.http.post(reverse, headers=former)).status_code == 403
    assert (await cockpit.http.post(reverse, headers=county)).json()["status"] == "reversed"


async def test_a_load_that_fails_is_reported_and_the_others_are_added(
    cockpit: Cockpit, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def nothing(*_: object) -> None:
        """What the version before did."""

    builder: CellBuilder = cockpit.app.state.cell_builder
    prepare, before = builder.prepare, FAILED._value.get()
    async with cockpit.database.transaction() as session:
        session.add(CellLoad(load_id=new_id(), feed="award", since=datetime(2020, 1, 1, tzinfo=UTC)))
    (bad,) = await uncounted(cockpit)

    async def fail(feed: str, load_id: UUID, **given: Any) -> LoadDeltas:
        if load_id == bad:
            raise ValueError("bad load")
        return await prepare(feed, load_id, **given)

    with monkeypatch.context() as patch:
        patch.setattr(Cells, "apply", nothing)
        await cockpit.upload("award", "county", csv_of([award(amount="5")]))
    with monkeypatch.context() as patch:
        patch.setattr(builder, "prepare", fail)
        await builder.catch_up()
    assert await uncounted(cockpit) == [bad]
    assert FAILED._value.get() > before
    await builder.catch_up()
    assert (await cockpit.overview("county"))["awards"]["amount"]["yuan"] == "5.00"


async def uncounted(cockpit: Cockpit) -> list[UUID]:
    async with cockpit.database.transaction() as session:
        return [load for _, load, _ in await LoadRepository(session).uncounted(10)]
