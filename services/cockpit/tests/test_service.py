"""The service as a whole: start, readiness, reference, dictionary of metrics."""

import re
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from datetime import UTC, datetime, timedelta
from typing import ParamSpec

import pytest

from cockpit.analytics.tables import VERSIONS
from cockpit.cells.building import CellBuilder
from cockpit.cells.models import CellLoad
from cockpit.feeds.declarations import FEEDS
from cockpit.metrics.catalogue import MetricName
from cockpit.metrics.declarations import METRICS
from cockpit.models import Batch
from contracts.intake import BatchStatus
from messaging.wiring import Messaging
from replica.replica import Replica
from servicekit.ids import new_id
from services.cockpit.tests.support.running_cockpit import Cockpit, Start, award, csv_of
from testkit.lists import made

P = ParamSpec("P")


async def test_the_queue_is_bound_before_the_snapshot_is_read(
    start: Start, monkeypatch: pytest.MonkeyPatch
) -> None:
    order: list[str] = []

    def noting(
        name: str, enter: Callable[P, AbstractAsyncContextManager[None]]
    ) -> Callable[P, AbstractAsyncContextManager[None]]:
        @asynccontextmanager
        async def entered(*arguments: P.args, **options: P.kwargs) -> AsyncIterator[None]:
            async with enter(*arguments, **options):
                order.append(name)
                yield

        return entered

    async def filled(*_: object) -> None:
        order.append("filled")

    monkeypatch.setattr(Messaging, "running", noting("bound", Messaging.running))
    monkeypatch.setattr(Replica, "fill", filled)
    async with start():
        assert order == ["bound", "filled"]


async def test_ready_when_every_store_answers(cockpit: Cockpit) -> None:
    response = await cockpit.http.get("/readyz")
    assert response.status_code == 200
    assert response.json()["checks"] == {"database": "ok", "analytics": "ok", "bus": "ok"}


async def test_the_facts_tables_are_made_once_and_starting_again_changes_nothing(start: Start) -> None:
    for _ in range(2):
        async with start() as cockpit:
            rows = await cockpit.app.state.analytics.query(
                "SELECT version FROM schema_version ORDER BY version"
            )
            assert [row["version"] for row in rows] == [version for version, _ in VERSIONS]


async def test_the_dictionary_lists_every_metric_with_its_scope(cockpit: Cockpit) -> None:
    metrics = (await cockpit.http.get("/api/v1/metrics", headers=cockpit.bearer())).json()
    assert [metric["name"] for metric in metrics] == list(METRICS)
    assert set(METRICS) == set(MetricName)
    assert all(metric["scope"] and metric["source"] and metric["formula"] for metric in metrics)
    added = {metric["name"] for metric in metrics if metric["additive"]}
    assert {"aid_amount", "aid_person_times", "published_total_amount"} <= added
    assert not {"aid_persons", "published_persons", "coverage", "transfer_amount"} & added
    shown = (await cockpit.overview("county"))["awards"]["metrics"]
    assert set(shown) <= set(METRICS)


async def test_the_feeds_are_listed_with_both_names_of_their_columns(cockpit: Cockpit) -> None:
    feeds = (await cockpit.http.get("/api/v1/feeds", headers=cockpit.bearer())).json()
    assert [feed["name"] for feed in feeds] == list(FEEDS)
    one = await cockpit.http.get("/api/v1/feeds/award", headers=cockpit.bearer())
    assert one.json() == feeds[1]
    assert all(column["name"] and column["chinese"] for feed in feeds for column in feed["columns"])


@pytest.mark.parametrize(
    ("path", "method", "codes"),
    [
        (
            "/api/v1/overview",
            "get",
            {"out_of_reach", "level_not_admitted", "kind_not_admitted", "unit_not_found"},
        ),
        (
            "/api/v1/intake/batches",
            "post",
            {"wrong_columns", "empty_file", "body_too_large", "batch_key_required", "batch_duplicate"},
        ),
    ],
)
async def test_the_reference_names_the_problem_codes(
    cockpit: Cockpit, path: str, method: str, codes: set[str]
) -> None:
    operation = (await cockpit.http.get("/openapi.json")).json()["paths"][path][method]
    named = {
        code
        for response in operation["responses"].values()
        for content in response.get("content", {}).values()
        for code in content.get("examples", {})
    }
    assert codes <= named
    assert operation["summary"]


async def test_a_scrape_tells_how_far_intake_and_figures_are_behind(
    start: Start, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def failing(*_: object) -> bool:
        return False

    monkeypatch.setattr(CellBuilder, "_add_late", failing)
    now = datetime.now(UTC)
    hour_ago = now - timedelta(hours=1)
    async with start() as cockpit:
        taken = await cockpit.upload("award", "county", csv_of([award()]))
        assert taken.status_code == 201, taken.text
        usual = {"unit_id": cockpit.world["county"].id, "unit_path": cockpit.world["county"].path}
        async with cockpit.database.transaction() as session:
            receiving = {"status": BatchStatus.RECEIVING, "created_at": hour_ago, "touched_at": now}
            session.add(made(Batch, now, usual, id=new_id(), reversal_load_id=None, **receiving))
            session.add(CellLoad(load_id=new_id(), feed="award", since=hour_ago))
        scraped = (await cockpit.http.get("/metrics")).text
    found = dict(re.findall(r"^zhuxue_cockpit_(\w+) (\S+)$", scraped, re.MULTILINE))
    assert found["batches_receiving"] == "1.0"
    assert 3600 <= float(found["intake_lag_seconds"]) < 7200
    assert 3600 <= float(found["cells_behind_seconds"]) < 7200
    assert float(found["newest_batch_timestamp_seconds"]) >= now.timestamp()
