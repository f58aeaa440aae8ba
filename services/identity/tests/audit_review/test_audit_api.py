"""The audit log for audit administrators: search, exports, and reads of personal data."""

import gzip
import hashlib
import json
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4

import pytest
from fastapi import FastAPI
from joserfc import jws
from joserfc.jwk import KeySet
from sqlalchemy import select, text
from sqlalchemy.dialects import postgresql

from identity.audit.models import AuditRecord
from identity.audit_review.repository import ExportRepository, Filters
from identity.audit_review.rules import canonical
from identity.clients.models import Client
from servicekit.db import Database
from servicekit.ids import id_at
from services.identity.tests.support.running_identity import NewBrowser

Call = Callable[..., Awaitable[Any]]
ADMIN = "19900001323"
INSERT = text(
    "INSERT INTO audit_log (id, at, actor, action, target_id, correlation_id, details)"
    " VALUES (:id, :at, :actor, :action, :target, :correlation, '{}')"
)


async def add(database: Database, at: datetime, **values: str) -> str:
    row = {"actor": "a", "action": "test", "target": "t", "correlation": "c"} | values
    row_id = str(id_at(at))
    async with database.transaction() as session:
        await session.execute(INSERT, {"id": row_id, "at": at, **row})
    return row_id


async def test_rows_are_found_by_each_filter_latest_first(app: FastAPI, auditor: Call) -> None:
    database, now = app.state.database, datetime.now(UTC)
    ids = [await add(database, now - timedelta(hours=hours), target=f"t{hours}") for hours in (3, 2, 1)]
    other = await add(database, now, actor="b", action="other", target="u", correlation="d")
    for name, mine, theirs in (
        ("actor", "a", "b"), ("action", "test", "other"), ("correlation_id", "c", "d"), ("target", "t2", "u"),
    ):  # fmt: skip
        found = [row["id"] for row in (await auditor("GET", "", params={name: mine})).json()["items"]]
        assert found == (ids[1:2] if name == "target" else ids[::-1]), name
        found = [row["id"] for row in (await auditor("GET", "", params={name: theirs})).json()["items"]]
        assert found == [other], name


async def test_rows_name_people_units_and_the_units_of_invites(
    app: FastAPI, auditor: Call, new_browser: NewBrowser
) -> None:
    browser = new_browser()
    headers = await browser.bearer(ADMIN)
    me = (await browser.http.get("/api/v1/me", headers=headers)).json()
    url = f"/api/v1/units/{me['unit_id']}/invites"
    assert (await browser.http.post(url, headers=headers, json={"roles": ["handler"]})).status_code == 201
    (row,) = (await auditor("GET", "", params={"action": "invite.created"})).json()["items"]
    unit = me["memberships"][0]["unit_name"]
    assert (row["actor_name"], row["unit_name"]) == (me["name"], unit)
    assert row["target_name"] == f"{unit}的邀请"


async def test_rows_name_clients(app: FastAPI, auditor: Call) -> None:
    # Clients that units register have ids like those of people.
    registered = str(uuid4())
    async with app.state.database.transaction() as session:
        session.add(
            Client(
                client_id=registered,
                client_name="试点系统",
                token_endpoint_auth_method="none",
                redirect_uris=[],
                grant_types=["authorization_code"],
                scopes=[],
                audiences=[],
                registered_at=datetime.now(UTC),
            )
        )
    await add(app.state.database, datetime.now(UTC), actor="portal", target=registered)
    (row,) = (await auditor("GET", "", params={"action": "test"})).json()["items"]
    assert (row["actor_name"], row["target_name"]) == ("学生资助工作门户", "试点系统")


async def test_pages_follow_each_other_and_the_range_is_kept(app: FastAPI, auditor: Call) -> None:
    database, now = app.state.database, datetime.now(UTC)
    ids = [await add(database, now - timedelta(minutes=minutes)) for minutes in range(5)]
    params = {
        "action": "test",
        "since": (now - timedelta(minutes=3, seconds=30)).isoformat(),
        "until": (now - timedelta(seconds=30)).isoformat(),
        "limit": 2,
    }
    first = (await auditor("GET", "", params=params)).json()
    second = (await auditor("GET", "", params={**params, "cursor": first["next"]})).json()
    assert [row["id"] for row in first["items"] + second["items"]] == ids[1:4]
    assert second["next"] is None


async def test_a_search_is_recorded(app: FastAPI, auditor: Call) -> None:
    await auditor("GET", "", params={"target": "somebody"})
    rows = (await auditor("GET", "", params={"action": "audit.read"})).json()["items"]
    assert rows[0]["details"]["filters"]["target"] == "somebody"


async def test_bad_ranges_are_refused(auditor: Call) -> None:
    now = datetime.now(UTC)
    for params, code in (
        ({"since": now.isoformat(), "until": (now - timedelta(days=1)).isoformat()}, "audit_range_reversed"),
        ({"since": (now - timedelta(days=94)).isoformat()}, "audit_range_too_long"),
    ):
        refused = await auditor("GET", "", params=params)
        assert (refused.status_code, refused.json()["code"]) == (400, code)
    by_target = {"since": (now - timedelta(days=900)).isoformat(), "target": "t"}
    assert (await auditor("GET", "", params=by_target)).status_code == 200
    assert (await auditor("GET", "", params={"since": "2026-11-01T00:00:00"})).status_code == 422


async def test_only_audit_administrators_read_it(new_browser: NewBrowser) -> None:
    admin = new_browser()
    headers = await admin.bearer(ADMIN)
    for path in ("", "/seals", "/exports"):
        refused = await admin.http.get(f"/api/v1/audit{path}", headers=headers)
        assert (refused.status_code, refused.json()["code"]) == (403, "permission_required")


@pytest.mark.parametrize("name", ["actor", "target", "correlation_id", "action"])
async def test_every_search_reads_an_index_in_its_order(app: FastAPI, name: str) -> None:
    now = datetime.now(UTC)
    filters = Filters(now - timedelta(days=7), now, **{name: "x"})
    query = select(AuditRecord.id).where(*filters.conditions()).order_by(AuditRecord.id.desc()).limit(11)
    dialect = postgresql.dialect()  # type: ignore[no-untyped-call]
    compiled = query.compile(dialect=dialect, compile_kwargs={"literal_binds": True})
    async with app.state.database.transaction() as session:
        await session.execute(text("SET LOCAL enable_seqscan = off"))
        plan = "\n".join(await session.scalars(text(f"EXPLAIN {compiled}")))
    assert f"{'target_id' if name == 'target' else name}_id_idx" in plan
    assert "Sort" not in plan


async def test_an_export_is_a_file_of_canonical_rows_with_a_signed_manifest(
    app: FastAPI, auditor: Call, monkeypatch: Any
) -> None:
    monkeypatch.setattr("identity.audit_review.jobs._ROWS", 3)
    database, now = app.state.database, datetime.now(UTC)
    ids = [await add(database, now - timedelta(minutes=minutes)) for minutes in range(8, 0, -1)]
    wanted = {
        "since": (now - timedelta(hours=1)).isoformat(),
        "until": now.isoformat(),
        "action": "test",
        "reason": "例行审计",
    }
    asked = await auditor("POST", "/exports", json=wanted)
    assert asked.status_code == 202, asked.text
    path = f"/exports/{asked.json()['id']}"
    done = (await auditor("GET", path)).json()
    while done["state"] not in ("succeeded", "dead"):
        done = (await auditor("GET", path)).json()
    assert done["state"] == "succeeded", done
    file = await auditor("GET", f"{path}/file")
    assert file.headers["content-type"] == "application/gzip"
    assert hashlib.sha256(file.content).hexdigest() == done["sha256"]
    assert len(file.content) == done["size"]
    rows = [json.loads(line) for line in gzip.decompress(file.content).splitlines()]
    assert [row["id"] for row in rows] == ids
    assert canonical(rows[0]) == gzip.decompress(file.content).splitlines()[0]

    async with database.transaction() as session:
        keys = KeySet.import_key_set(await session.run_sync(app.state.key_ring.jwks))
    manifest = json.loads(jws.deserialize_compact(done["manifest"], keys).payload)
    assert (manifest["sha256"], manifest["rows"]) == (done["sha256"], 8)
    assert manifest["filters"]["action"] == "test"
    acts = [
        row["action"] for row in (await auditor("GET", "", params={"target": done["id"]})).json()["items"]
    ]
    assert acts == ["audit.export_downloaded", "audit.exported", "audit.export_requested"]
    assert [row["id"] for row in (await auditor("GET", "/exports")).json()["items"]] == [done["id"]]


async def test_an_export_is_deleted_after_a_week(app: FastAPI, auditor: Call) -> None:
    now = datetime.now(UTC)
    wanted = {"since": (now - timedelta(hours=1)).isoformat(), "until": now.isoformat(), "reason": "例行审计"}
    asked = await auditor("POST", "/exports", json=wanted)
    async with app.state.database.transaction() as session:
        await ExportRepository(session).delete_expired(now + timedelta(days=8))
    gone = await auditor("GET", f"/exports/{asked.json()['id']}")
    assert (gone.status_code, gone.json()["code"]) == (404, "audit_export_not_found")
