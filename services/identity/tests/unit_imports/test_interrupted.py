"""An import that is interrupted goes on where it stopped, and ends as if nothing had happened."""

from typing import Any

import pytest
from fastapi import FastAPI
from sqlalchemy import func, select, text

from filekit import csv_rows
from identity.base import outbox
from identity.unit_imports import jobs, models
from identity.unit_imports.applying import Batch
from identity.unit_imports.repository import ImportRepository
from identity.units.models import Unit, UnitChange
from services.identity.tests.support.running_identity import NewBrowser
from testkit.clock import FrozenClock
from testkit.postgres import Migration

from .test_import_files import COUNTY_ADMIN, Importer, counts, csv_of, school

ROWS = 11


@pytest.fixture
def prepared(one_line: Migration) -> Migration:
    return one_line


@pytest.fixture(autouse=True)
def small_chunks(monkeypatch: pytest.MonkeyPatch) -> None:
    """Several transactions for a few rows."""
    monkeypatch.setattr(jobs, "CHUNK", 2)
    monkeypatch.setattr(csv_rows, "STEP_ROWS", 2)


@pytest.fixture
async def county(app: FastAPI, new_browser: NewBrowser, clock: FrozenClock) -> Importer:
    browser = new_browser()
    return Importer(app, browser, await browser.bearer(COUNTY_ADMIN), clock)


def failing(function: Any, *calls: int) -> Any:
    """The function, which dies after its work at these calls: the transaction is lost."""
    count = 0

    async def call(*args: Any, **more: Any) -> Any:
        nonlocal count
        count += 1
        result = await function(*args, **more)
        if count in calls:
            raise RuntimeError("killed")
        return result

    return call


def content() -> bytes:
    schools = [school(9000 + number) for number in range(1, ROWS)]
    return csv_of(*schools, school(9100, "S3701029001", level="院系／中心校", kind="院系／中心校"))


async def opened(app: FastAPI) -> list[tuple[str, str, int]]:
    async with app.state.database.transaction() as session:
        rows = await session.execute(
            select(Unit.code, Unit.path, func.count(UnitChange.version))
            .join(UnitChange, UnitChange.unit_id == Unit.id)
            .where(Unit.code.like("S3701029%"))
            .group_by(Unit.id)
            .order_by(Unit.code)
        )
        return [(code, path, changes) for code, path, changes in rows]


async def test_a_killed_import_ends_as_one_that_was_not(
    county: Importer, app: FastAPI, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ImportRepository, "copy_rows", failing(ImportRepository.copy_rows, 2, 5))
    monkeypatch.setattr(Batch, "apply", failing(Batch.apply, 1, 4))
    found = await county.checked(content())
    assert counts(found) == {"total": ROWS, "new": ROWS}
    await county.call("POST", f"/unit-imports/{found['id']}/apply", json={})
    done = await county.done(found["id"])
    assert (done["status"], done["applied"], done["refused"]) == ("done", ROWS, 0)
    units = await opened(app)
    assert len(units) == ROWS
    assert {changes for _, _, changes in units} == {1}
    assert ("S3701029100", "100000.370000.370100.370102.S3701029001.S3701029100", 1) in units
    assert counts(await county.checked(content())) == {"total": ROWS, "unchanged": ROWS}


@pytest.mark.parametrize("large", [False, True])
async def test_a_small_import_announces_its_units_and_a_large_one_itself(
    county: Importer, app: FastAPI, monkeypatch: pytest.MonkeyPatch, large: bool
) -> None:
    if large:
        monkeypatch.setattr(models, "EVENTS_UP_TO", 3)
    async with app.state.database.transaction() as session:
        await session.execute(text("ALTER TABLE outbox ALTER COLUMN next_attempt_at SET DEFAULT 'infinity'"))
    await county.imported(content())
    async with app.state.database.transaction() as session:
        rows = (await session.scalars(select(outbox.row))).all()
    kinds = [row.type.removeprefix("zhuxue.identity.") for row in rows]
    if large:
        assert kinds == ["directory.loaded.v1"]
        assert rows[0].data["units"] == 4 + ROWS
    else:
        assert set(kinds) == {"units.changed.v1"}
        codes = [unit["code"] for row in rows for unit in row.data["units"]]
        assert sorted(codes) == sorted(code for code, _, _ in await opened(app))


async def test_an_import_that_is_cancelled_while_it_runs_stops_at_the_next_batch(
    county: Importer, app: FastAPI, monkeypatch: pytest.MonkeyPatch
) -> None:
    found = await county.checked(content())
    apply = Batch.apply

    async def then_cancel(*args: Any) -> Any:
        done = await apply(*args)
        args[1].cancel_requested = True
        return done

    monkeypatch.setattr(Batch, "apply", then_cancel)
    await county.call("POST", f"/unit-imports/{found['id']}/apply", json={})
    done = await county.done(found["id"])
    assert (done["status"], done["applied"]) == ("cancelled", 2)
    assert len(await opened(app)) == 2
