"""Receipts and answers of a year of notices are moved to files and back; the sums of coverage stay."""

import asyncio
import gzip
import hashlib
from datetime import UTC, datetime, timedelta
from pathlib import Path
from uuid import UUID, uuid4

import pytest
from sqlalchemy import func, select, text

from office.answers.models import AnswerSubject
from office.archive.errors import ArchiveRefused
from office.archive.files import content_path
from office.archive.jobs import Archive
from office.archive.releasing import RELEASE
from office.base import MIGRATIONS, job_queue
from office.files.models import File
from office.notices.models import Notice
from office.partitions import RECEIPTS
from office.receipts.models import Read, Signature
from servicekit.db import Database
from servicekit.ids import instant_of, new_id
from servicekit.migrations import upgrade
from servicekit.partitions import maintain
from services.office.tests.support.running_office import RunningOffice
from services.office.tests.test_answer_files import answered, asked, clerk, seen
from services.office.tests.test_files import TEXT, code_of, uploaded
from testkit.clock import FrozenClock
from testkit.plugin import DatabaseFactory

N = "/api/v1/notices"


async def archived_notice(office: RunningOffice) -> str:
    """A notice that six units have, three of them have signed and one person has read, in the archive."""
    notice = await office.published()
    await office.forwarded(notice, "370000", "370100")
    await office.signed(notice, "320000", "370100", "370102")
    assert (await office.unit("370103").post(f"{N}/{notice}/read")).status_code == 200
    office.clock.advance(timedelta(days=400))
    async with office.database.transaction() as session:
        (await session.get_one(Notice, UUID(notice))).archive(office.clock.now())
    return notice


@pytest.fixture
def archive(office: RunningOffice) -> Archive:
    """The archive, more than a year after the year of ids that are made now."""
    later = FrozenClock(datetime.now(UTC) + timedelta(days=800))
    return Archive(office.database, later, office.app.state.file_store, lambda _: None)


def year_of(notice: str) -> int:
    return instant_of(UUID(notice)).year


async def receipts(office: RunningOffice) -> int:
    async with office.database.transaction() as session:
        counts = [await session.scalar(select(func.count()).select_from(one)) for one in (Signature, Read)]
    return sum(count or 0 for count in counts)


async def test_a_dropped_year_keeps_its_sums_and_can_be_restored(
    office: RunningOffice, archive: Archive, tmp_path: Path
) -> None:
    notice = await archived_notice(office)
    before = {code: await office.coverage(notice, code) for code in ("100000", "370000", "370100")}
    year, sub = year_of(notice), str(uuid4())
    await archive.archive(year, tmp_path)
    await archive.archive(year, tmp_path)
    await archive.drop(year, tmp_path)
    assert await receipts(office) == 0
    for code, full in before.items():
        kept = await office.coverage(notice, code)
        assert (kept.archived, full.archived) == (True, False)
        figures = ("total", "delivered", "signed", "answered", "returned", "overdue", "read", "people")
        assert [getattr(kept, name) for name in figures] == [getattr(full, name) for name in figures]
        assert kept.missing.items == []
    centre = await office.coverage(notice)
    assert {child.unit.code: child.signed for child in centre.children} == {"320000": 1, "370000": 2}
    # What needs the receipts of single units.
    members = {"name": "东部", "members": [{"unit_id": office.world.id("320000")}]}
    group = (await office.unit("100000", sub=sub).post("/api/v1/contact-groups", json=members)).json()["id"]
    for part in (f"?group={group}", f"/units?group={group}", f"/history?group={group}", "/changes"):
        refused = await office.unit("100000", sub=sub).get(f"{N}/{notice}/coverage{part}")
        assert code_of(refused) == (409, "receipts_archived")
    lists = await office.unit("100000").get(f"{N}/{notice}/coverage/units", params={"lack": "not_signed"})
    assert lists.json()["total"]["count"] == centre.total - centre.signed

    await archive.restore(year, tmp_path)
    assert await receipts(office) == 4
    again = await office.coverage(notice)
    assert again.model_dump(exclude={"as_of"}) == before["100000"].model_dump(exclude={"as_of"})


async def test_a_year_in_circulation_or_too_young_is_not_archived(
    office: RunningOffice, archive: Archive, tmp_path: Path
) -> None:
    notice = await office.published()
    year = year_of(notice)
    with pytest.raises(ArchiveRefused, match="still in circulation"):
        await archive.archive(year, tmp_path)
    young = Archive(office.database, FrozenClock(datetime.now(UTC)), None, lambda _: None)
    with pytest.raises(ArchiveRefused, match="must be kept until"):
        await young.archive(year, tmp_path)
    with pytest.raises(ArchiveRefused, match="has not been archived"):
        await archive.drop(year, tmp_path)


async def test_a_year_whose_files_have_changed_is_not_dropped(
    office: RunningOffice, archive: Archive, tmp_path: Path
) -> None:
    year = year_of(await archived_notice(office))
    await archive.archive(year, tmp_path)
    file = tmp_path / f"signatures_part_{year}-{year}.csv.gz"
    content = gzip.decompress(file.read_bytes())
    file.write_bytes(gzip.compress(content.replace(b"f,", b"t,", 1)))
    with pytest.raises(ArchiveRefused, match="has changed"):
        await archive.drop(year, tmp_path)
    assert await receipts(office) == 4


async def test_files_of_answers_are_deleted_with_a_dropped_year_and_come_back(
    office: RunningOffice, archive: Archive, tmp_path: Path
) -> None:
    notice = await asked(office)
    file = await answered(office, notice)
    other = await uploaded(clerk(office))
    store = office.app.state.file_store
    office.clock.advance(timedelta(days=400))
    async with office.database.transaction() as session:
        (await session.get_one(Notice, UUID(notice))).archive(office.clock.now())
    year = year_of(notice)
    await archive.archive(year, tmp_path)
    await archive.drop(year, tmp_path)
    assert await seen(office.unit("100000"), file) == 404
    await job_ended(office, RELEASE.name)
    async with office.database.transaction() as session:
        assert (await session.scalars(select(File.id))).all() == [UUID(other)]
        assert await session.scalar(select(func.count()).select_from(AnswerSubject)) == 0
    digest = hashlib.sha256(TEXT).digest()
    await store.delete(digest)

    content = content_path(tmp_path, year, digest)
    content.rename(content.with_suffix(".lost"))
    with pytest.raises(ArchiveRefused, match="missing"):
        await archive.restore(year, tmp_path)
    content.with_suffix(".lost").rename(content)
    await archive.restore(year, tmp_path)
    assert await seen(office.unit("100000"), file) == 200


async def test_a_year_whose_attached_files_are_not_in_the_folder_is_not_dropped(
    office: RunningOffice, archive: Archive, tmp_path: Path
) -> None:
    notice = await asked(office)
    file = await answered(office, notice)
    async with office.database.transaction() as session:
        (await session.get_one(Notice, UUID(notice))).archive(office.clock.now())
    year = year_of(notice)
    await archive.archive(year, tmp_path)
    content_path(tmp_path, year, hashlib.sha256(TEXT).digest()).write_bytes(b"")
    with pytest.raises(ArchiveRefused, match="missing or has changed"):
        await archive.drop(year, tmp_path)
    await archive.archive(year, tmp_path)
    await archive.drop(year, tmp_path)
    assert await seen(office.unit("100000"), file) == 404


async def job_ended(office: RunningOffice, kind: str) -> None:
    """Wait for the end of the job of a kind."""
    async with asyncio.timeout(60):
        pending = True
        while pending:
            await asyncio.sleep(0.05)
            async with office.database.transaction() as session:
                pending = await job_queue.is_pending(session, kind)


async def test_receipts_of_the_next_year_have_a_partition_in_time(office: RunningOffice) -> None:
    now = datetime.now(UTC)
    assert not [name for name in await maintain(office.database, RECEIPTS, now) if "rest" in name]
    later = now.replace(year=now.year + 1, month=6, day=1)
    made = await maintain(office.database, RECEIPTS, later)
    assert made == [f"{table.table}_part_{now.year + 2}" for table in RECEIPTS]


async def test_receipts_from_before_the_partitions_stay(database_factory: DatabaseFactory) -> None:
    url = await database_factory("office")
    await upgrade(MIGRATIONS, url, "0037")
    database = Database(url, plans="force_custom_plan", pool_size=1)
    notice = new_id()
    async with database.transaction() as session:
        await session.execute(
            text(
                "INSERT INTO signatures (notice_id, unit_id, signed_by, signed_at, counted)"
                " SELECT :notice, gen_random_uuid(), :by, now(), true FROM generate_series(1, 50)"
            ),
            {"notice": notice, "by": uuid4()},
        )
    await upgrade(MIGRATIONS, url)
    async with database.transaction() as session:
        found = await session.execute(
            text("SELECT tableoid::regclass::text, count(*) FROM signatures GROUP BY 1")
        )
        assert [tuple(row) for row in found] == [(f"signatures_part_{instant_of(notice).year}", 50)]
    await database.close()
