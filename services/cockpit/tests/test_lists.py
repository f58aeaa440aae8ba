"""Every list of the cockpit is read page by page without loss, counted, and refuses what it does not know."""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta

import httpx

from authkit import acr
from cockpit.exports.models import Export, ExportUse
from cockpit.walls.models import WallDisplay
from contracts.vocabulary import ExportStatus
from onebox.lists import lists
from servicekit.ids import new_id
from services.cockpit.tests.support.running_cockpit import NATIONAL_2017, Cockpit, award, csv_of
from testkit.lists import check_list, made

PERSON = "01930000-0000-7000-8000-000000000001"


async def changed_standard(cockpit: Cockpit) -> str:
    """Return the id of a policy standard with three changes."""
    manager = cockpit.bearer("centre", roles=["unit_admin"])
    listed = await cockpit.http.get("/api/v1/standards", params={"limit": 1}, headers=manager)
    found: str = listed.json()["items"][0]["id"]
    for version in (1, 2):
        done = await cockpit.http.patch(
            f"/api/v1/standards/{found}",
            json={"reason": "补充说明", "note": f"第{version}次"},
            headers={**manager, "If-Match": f'"{version}"'},
        )
        assert done.status_code == 200, done.text
    return found


async def add_exports_and_walls(cockpit: Cockpit) -> None:
    """Add some of the county, which nobody changes while they are read."""
    now, county = datetime.now(UTC), cockpit.world["county"]
    usual = {"unit_id": county.id, "unit_path": county.path, "created_by": PERSON}
    done = {"status": ExportStatus.DONE, "finished_at": now}
    lasts = {"expires_at": now + timedelta(days=90)}
    async with cockpit.database.transaction() as session:
        for _ in range(3):
            session.add(made(Export, now, usual, id=new_id(), **done))
            session.add(made(ExportUse, now, usual, id=new_id()))
            session.add(made(WallDisplay, now, usual, grant_id=new_id(), **lasts))


async def test_every_list_pages_counts_and_refuses(cockpit: Cockpit) -> None:
    for amount in ("5", "6", "7"):
        rows = [award(amount=amount, unit_code=unit) for unit in ("3701020001", "3701020002")]
        taken = await cockpit.upload("award", "county", csv_of(rows))
        assert taken.status_code == 201, taken.text
    await add_exports_and_walls(cockpit)
    published = await cockpit.upload("published_aggregate", "centre", NATIONAL_2017.read_bytes())
    assert published.status_code == 201, published.text
    standard = await changed_standard(cockpit)
    begun = {"feed": "award", "source": "大文件", "content_type": "text/csv", "size_bytes": 10}
    for _ in range(3):
        upload = await cockpit.http.post("/api/v1/intake/uploads", json=begun, headers=cockpit.bearer())
        assert upload.status_code == 201, upload.text
    for client in ("one", "another"):
        given = {"client_id": client, "name": "某平台", "feeds": ["award"]}
        by_admin = cockpit.bearer(roles=["unit_admin"])
        await cockpit.http.post("/api/v1/intake/push-grants", json=given, headers=by_admin)
    # The same lines as another file, from another source.
    other = NATIONAL_2017.read_bytes() + b"\n"
    await cockpit.upload("published_aggregate", "centre", other, source="另一来源")

    signed_in = {"acr": acr.PASSWORD_SMS, "auth_time": int(datetime.now(UTC).timestamp())}
    asked = {"feed": "award", "year": 2017, "reason": "核对名单"}
    for _ in range(3):
        looked = await cockpit.http.post(
            "/api/v1/individuals", json=asked, headers=cockpit.bearer("county", **signed_in)
        )
        assert looked.status_code == 200, looked.text

    def headers(by: str, audits: bool) -> dict[str, str]:
        more = {"permissions": ["files.audit"]} if audits else {}
        return cockpit.bearer(by, sub=PERSON, roles=["handler", "unit_admin"], **more)

    batches, check = "/api/v1/intake/batches", {"check": "award_without_enrolment"}
    who = {
        "listBatches": ("county", batches),
        "listPushGrants": ("city", "/api/v1/intake/push-grants"),
        "listUploads": ("county", "/api/v1/intake/uploads"),
        "listPublishedLines": ("centre", f"{batches}/{published.json()['id']}/published"),
        "listPublishedTables": ("centre", "/api/v1/published/tables"),
        "listPublishedFigures": ("centre", "/api/v1/published/lines"),
        "listIndividualUses": ("county", "/api/v1/individuals/uses"),
        "listStandards": ("county", "/api/v1/standards"),
        "listStandardChanges": ("county", f"/api/v1/standards/{standard}/changes"),
        "listExports": ("county", "/api/v1/exports"),
        "listExportUses": ("county", "/api/v1/exports/uses"),
        "listWalls": ("county", "/api/v1/walls"),
        "listInconsistencies": ("county", "/api/v1/intake/inconsistencies"),
        "listBatchInconsistencies": ("county", f"{batches}/{taken.json()['id']}/inconsistencies"),
    }
    required = {"listInconsistencies": {"year": "2017"}, "listBatchInconsistencies": check}
    # Each page of individual records is itself recorded: test_individuals reads them.
    paged = [
        one
        for one in lists({"cockpit": cockpit.app.openapi()})
        if one.paged and one.id != "searchIndividuals"
    ]
    assert {one.id for one in paged} == set(who)
    for one in paged:
        by, path = who[one.id]

        async def call(
            parameters: Mapping[str, str],
            id_: str = one.id,
            by: str = by,
            path: str = path,
        ) -> httpx.Response:
            given = {**required.get(id_, {}), **parameters}
            return await cockpit.http.get(path, params=given, headers=headers(by, id_ == "listExportUses"))

        await check_list(one, call)
