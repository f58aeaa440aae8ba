"""A large file arrives in parts, from where the last one ended, and becomes one batch."""

import asyncio
import base64
import hashlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any, BinaryIO

import httpx
import pytest
from cryptography.exceptions import InvalidTag
from pydantic import ValidationError
from sqlalchemy import func, select

from cockpit.analytics.errors import AnalyticsBusy
from cockpit.directory.service import Units
from cockpit.intake import reading
from cockpit.intake.loading import Loader
from cockpit.intake.receiving import Receiver
from cockpit.settings import Settings
from cockpit.uploads import jobs
from cockpit.uploads.kinds import LOAD
from cockpit.uploads.models import Upload, UploadPart
from filekit.spool import temporary_file
from servicekit.cipher import Cipher, Key, version_of
from servicekit.ids import new_id
from servicekit.retry import RetryPolicy
from services.cockpit.tests.support.running_cockpit import Cockpit, Start, amount, award, csv_of, stored

U = "/api/v1/intake/uploads"
SUB = str(new_id())


async def begin(cockpit: Cockpit, size: int, **changes: Any) -> httpx.Response:
    given = {"feed": "award", "source": "大文件", "content_type": "text/csv", "size_bytes": size, **changes}
    return await cockpit.http.post(U, json=given, headers=cockpit.bearer(sub=SUB))


async def send(
    cockpit: Cockpit, url: str, offset: int, content: bytes, who: str = "county"
) -> httpx.Response:
    headers = {
        **cockpit.bearer(who),
        "Upload-Offset": str(offset),
        "Content-Type": "application/octet-stream",
    }
    return await cockpit.http.patch(url, content=content, headers=headers)


async def ended(cockpit: Cockpit, url: str) -> dict[str, Any]:
    async with asyncio.timeout(120):
        while True:
            found: dict[str, Any] = (await cockpit.http.get(url, headers=cockpit.bearer())).json()
            if found["status"] not in {"receiving", "loading"}:
                return found
            await asyncio.sleep(0.05)


async def parts(cockpit: Cockpit) -> int:
    async with cockpit.database.transaction() as session:
        return await session.scalar(select(func.count()).select_from(UploadPart)) or 0


async def test_parts_go_on_where_the_last_one_ended_and_become_a_batch(cockpit: Cockpit) -> None:
    content = csv_of([award(amount="5"), award(amount="-1"), award(amount="7")]).encode()
    made = await begin(cockpit, len(content))
    assert (made.status_code, made.headers["upload-offset"]) == (201, "0")
    url = made.headers["location"]
    assert (await send(cockpit, url, 0, content[:100])).headers["upload-offset"] == "100"
    for offset in (0, 50, 101):
        wrong = await send(cockpit, url, offset, content[100:])
        assert (wrong.status_code, wrong.json()["code"]) == (409, "upload_offset_mismatch")
        assert "100" in wrong.json()["detail"]
    too_long = await send(cockpit, url, 100, content)
    assert too_long.json()["code"] == "upload_too_long"
    last = await send(cockpit, url, 100, content[100:])
    assert last.json()["status"] == "loading"
    found = await ended(cockpit, url)
    assert (found["status"], found["rows"], found["message"]) == ("done", 3, "已校验 3 行")
    batch = await cockpit.http.get(f"/api/v1/intake/batches/{found['batch']}", headers=cockpit.bearer())
    assert (batch.json()["batch"]["accepted"], batch.json()["batch"]["rejected"]) == (2, 1)
    assert await amount(cockpit) == "12.00"
    assert await parts(cockpit) == 0
    late = await send(cockpit, url, len(content), b"")
    assert late.json()["code"] == "upload_ended"
    listed = (await cockpit.http.get(U, headers=cockpit.bearer("city"))).json()["items"]
    assert [item["id"] for item in listed] == [found["id"]]


async def test_parts_are_encrypted_in_the_database(cockpit: Cockpit) -> None:
    content = csv_of([award()]).encode()
    url = (await begin(cockpit, len(content) + 1)).headers["location"]
    await send(cockpit, url, 0, content)
    async with cockpit.database.transaction() as session:
        part = (await session.scalars(select(UploadPart))).one()
    assert content[:20] not in part.content
    assert part.opened(cockpit.app.state.upload_cipher) == content
    part.start = 1
    with pytest.raises(InvalidTag):
        part.opened(cockpit.app.state.upload_cipher)


async def test_a_refused_file_says_why_and_leaves_nothing(cockpit: Cockpit) -> None:
    content = csv_of([award()]).replace("term", "semester").encode()
    url = (await begin(cockpit, len(content))).headers["location"]
    await send(cockpit, url, 0, content)
    found = await ended(cockpit, url)
    assert (found["status"], found["failure"], found["batch"]) == ("failed", "wrong_columns", None)
    assert "缺少列“学期”" in found["reason"]
    assert (await stored(cockpit), await parts(cockpit)) == ((0, 0, 0), 0)


async def test_an_attempt_that_fails_in_the_middle_is_repeated_and_counts_once(
    cockpit: Cockpit, monkeypatch: pytest.MonkeyPatch
) -> None:
    commit = Receiver._commit
    lost: list[str] = []

    async def commit_and_lose_the_answer(self: Receiver, *arguments: Any) -> Any:
        found = await commit(self, *arguments)
        if not lost:
            lost.append("once")
            raise OSError("connection lost")
        return found

    monkeypatch.setattr(Receiver, "_commit", commit_and_lose_the_answer)
    content = csv_of([award(amount="5")]).encode()
    url = (await begin(cockpit, len(content), batch_id=str(new_id()))).headers["location"]
    await send(cockpit, url, 0, content)
    assert (await ended(cockpit, url))["status"] == "done"
    assert lost
    assert await amount(cockpit) == "5.00"


@pytest.mark.parametrize(
    ("error", "code"), [(AnalyticsBusy(), AnalyticsBusy.code), (OSError("lost"), "internal_error")], ids=str
)
async def test_an_upload_whose_last_attempt_fails_has_failed(
    cockpit: Cockpit, monkeypatch: pytest.MonkeyPatch, error: Exception, code: str
) -> None:
    async def fail(*_: object, **__: object) -> None:
        raise error

    monkeypatch.setattr(Receiver, "receive", fail)
    monkeypatch.setattr("cockpit.uploads.jobs.LOAD", replace(LOAD, retry=RetryPolicy(limit=1)))
    url = (await begin(cockpit, 1)).headers["location"]
    await send(cockpit, url, 0, b"x")
    found = await ended(cockpit, url)
    assert (found["status"], found["failure"]) == ("failed", code)


async def test_cancelling_while_the_file_is_judged_leaves_no_batch_that_counts(
    cockpit: Cockpit, monkeypatch: pytest.MonkeyPatch
) -> None:
    judging, go_on = asyncio.Event(), asyncio.Event()
    judge = Loader.judge

    async def judge_when_told(self: Loader, step: Any) -> Any:
        judging.set()
        await go_on.wait()
        return await judge(self, step)

    monkeypatch.setattr(Loader, "judge", judge_when_told)
    content = csv_of([award(amount="5")]).encode()
    url = (await begin(cockpit, len(content))).headers["location"]
    await send(cockpit, url, 0, content)
    await judging.wait()
    answer = await cockpit.http.post(f"{url}/cancel", headers=cockpit.bearer())
    assert answer.json()["status"] == "cancelled"
    go_on.set()
    async with asyncio.timeout(60):
        while True:
            if await failed(cockpit) and not (await stored(cockpit))[2]:
                break
            await asyncio.sleep(0.05)
    assert await parts(cockpit) == 0


async def test_cancelling_after_the_last_row_leaves_no_batch_that_counts(
    cockpit: Cockpit, monkeypatch: pytest.MonkeyPatch
) -> None:
    commit = Receiver._commit
    counting, go_on = asyncio.Event(), asyncio.Event()

    async def commit_when_told(self: Receiver, *arguments: Any) -> Any:
        counting.set()
        await go_on.wait()
        return await commit(self, *arguments)

    monkeypatch.setattr(Receiver, "_commit", commit_when_told)
    content = csv_of([award(amount="5")]).encode()
    url = (await begin(cockpit, len(content))).headers["location"]
    await send(cockpit, url, 0, content)
    await counting.wait()
    answer = await cockpit.http.post(f"{url}/cancel", headers=cockpit.bearer())
    assert answer.json()["status"] == "cancelled"
    go_on.set()
    async with asyncio.timeout(60):
        while True:
            if await failed(cockpit):
                break
            await asyncio.sleep(0.05)
    assert await amount(cockpit) == "0.00"
    assert (await cockpit.http.get(url, headers=cockpit.bearer())).json()["batch"] is None


async def test_parts_under_the_earlier_key_are_read_while_it_is_replaced(cockpit: Cockpit) -> None:
    content = csv_of([award(amount="5")]).encode()
    url = (await begin(cockpit, len(content))).headers["location"]
    await send(cockpit, url, 0, content[:50])
    old = Key.parse("cc" * 32)
    both = Cipher([Key.parse("2:" + "dd" * 32), old])
    async with cockpit.database.transaction() as session:
        (part,) = (await session.scalars(select(UploadPart))).all()
        assert part.opened(both) == content[:50]
    assert version_of(UploadPart.sealed_of(both, part.upload_id, 50, b"x").content) == 2


@pytest.mark.parametrize(
    "keys",
    [
        {"other_upload_key": "2:" + "dd" * 32},
        {"upload_key": "cc" * 32, "other_upload_key": "dd" * 32},
        {"upload_key": "2:" + "cc" * 32, "other_upload_key": "cc" * 32},
        {"upload_key": "cc"},
    ],
    ids=["without a first", "one version", "one key", "short"],
)
def test_upload_keys_that_cannot_work_are_refused_at_the_start(keys: dict[str, Any]) -> None:
    given: dict[str, Any] = {
        "mode": "dev",
        "database_url": "postgresql+asyncpg://localhost/x",
        "issuer": "http://identity.test",
        "identity_url": "http://identity.test",
        "client_id": "cockpit",
        "client_secret": "x" * 32,
        "analytics_dsn": "chdb:///nowhere",
    }
    assert len(Settings(**given, upload_key="2:" + "aa" * 32, other_upload_key="bb" * 32).upload_keys) == 2
    assert len(Settings(**given, other_upload_key="").upload_keys) == 1
    with pytest.raises(ValidationError):
        Settings(**given, **keys)


async def failed(cockpit: Cockpit) -> bool:
    page = await cockpit.http.get(
        "/api/v1/intake/batches", params={"status": "failed"}, headers=cockpit.bearer()
    )
    return bool(page.json()["items"])


async def test_what_is_not_what_the_sender_says_is_not_taken(cockpit: Cockpit) -> None:
    content = csv_of([award(amount="5")]).encode()
    other = hashlib.sha256(b"other").digest()
    url = (await begin(cockpit, len(content), sha256=other.hex())).headers["location"]

    async def part(digest: bytes) -> httpx.Response:
        headers = {
            **cockpit.bearer(),
            "Upload-Offset": "0",
            "Content-Digest": f"sha-256=:{base64.b64encode(digest).decode()}:",
        }
        return await cockpit.http.patch(url, content=content, headers=headers)

    wrong = await part(other)
    assert (wrong.status_code, wrong.json()["code"]) == (400, "checksum_mismatch")
    assert (await cockpit.http.get(url, headers=cockpit.bearer())).json()["received"] == 0
    assert (await part(hashlib.sha256(content).digest())).status_code == 200
    found = await ended(cockpit, url)
    assert (found["status"], found["failure"]) == ("failed", "checksum_mismatch")
    assert (await stored(cockpit), await parts(cockpit)) == ((0, 0, 0), 0)

    right = hashlib.sha256(content).hexdigest()
    url = (await begin(cockpit, len(content), sha256=right)).headers["location"]
    await send(cockpit, url, 0, content)
    assert (await ended(cockpit, url))["status"] == "done"


async def test_of_two_browsers_that_resume_one_upload_each_part_comes_once(cockpit: Cockpit) -> None:
    content = csv_of([award(amount="5")]).encode()
    url = (await begin(cockpit, len(content))).headers["location"]
    for start, end in ((0, 100), (100, len(content))):
        both = await asyncio.gather(*(send(cockpit, url, start, content[start:end]) for _ in range(2)))
        assert sorted(answer.status_code for answer in both) == [200, 409]
    assert (await ended(cockpit, url))["status"] == "done"
    assert await amount(cockpit) == "5.00"


async def test_files_that_arrive_have_a_quota_together(cockpit: Cockpit) -> None:
    cockpit.app.state.upload_quota = 100
    first = await begin(cockpit, 60)
    refused = await begin(cockpit, 41)
    assert (refused.status_code, refused.json()["code"]) == (503, "upload_space_exhausted")
    assert int(refused.headers["retry-after"]) > 0
    assert (await begin(cockpit, 40)).status_code == 201
    await cockpit.http.post(f"{first.headers['location']}/cancel", headers=cockpit.bearer())
    assert (await begin(cockpit, 60)).status_code == 201


@pytest.mark.parametrize("full", ["filekit.spool", "cockpit.intake.reading"])
async def test_a_full_disk_is_said_and_leaves_nothing(
    cockpit: Cockpit, monkeypatch: pytest.MonkeyPatch, full: str
) -> None:
    @contextmanager
    def on_a_full_disk() -> Iterator[BinaryIO]:
        with Path("/dev/full").open("r+b", buffering=0) as file:
            yield file

    monkeypatch.setattr(f"{full}.temporary_file", on_a_full_disk)
    refused = await cockpit.upload("award", "county", csv_of([award()]))
    assert (refused.status_code, refused.json()["code"]) == (503, "disk_full")
    assert (await stored(cockpit))[1:] == (0, 0)
    monkeypatch.undo()
    assert (await cockpit.upload("award", "county", csv_of([award()]))).status_code == 201


async def test_a_large_file_goes_on_after_a_restart_within_bounded_space(
    start: Start, monkeypatch: pytest.MonkeyPatch
) -> None:
    """At a small scale: `make bench-intake` has a large one."""
    rows = 12_000
    content = csv_of([award(amount="1") for _ in range(rows)]).encode()
    size, half = 256 * 1024, len(content) // 2
    written: list[int] = []

    @contextmanager
    def watched() -> Iterator[BinaryIO]:
        with temporary_file() as file:
            yield file
            written.append(file.seek(0, 2))

    monkeypatch.setattr(reading, "temporary_file", watched)
    monkeypatch.setattr(reading, "INSERT_ROWS", 2_000)
    async with start() as cockpit:
        cockpit.app.state.resumable_upload_limit = len(content)
        assert (await begin(cockpit, len(content) + 1)).json()["code"] == "body_too_large"
        url = (await begin(cockpit, len(content))).headers["location"]
        for at in range(0, half, size):
            assert (await send(cockpit, url, at, content[at : min(at + size, half)])).status_code == 200
    async with start() as cockpit:
        at = (await cockpit.http.get(url, headers=cockpit.bearer())).json()["received"]
        assert at == half
        for at in range(half, len(content), size):
            assert (await send(cockpit, url, at, content[at : at + size])).status_code == 200
        found = await ended(cockpit, url)
        assert (found["status"], found["rows"]) == ("done", rows)
        assert await amount(cockpit) == f"{rows}.00"
        assert await parts(cockpit) == 0
    # The facts that wait for an insert, not all of them.
    assert written
    assert max(written) < len(content) / 2


async def test_uploads_are_bounded_and_within_reach(
    cockpit: Cockpit, monkeypatch: pytest.MonkeyPatch
) -> None:
    for changes, code in (
        ({"content_type": "text/html"}, "unsupported_media_type"),
        ({"source": "370102198001010013"}, "personal_number"),
        ({"size_bytes": 6 * 1024**3}, "body_too_large"),
        ({"unit": str(cockpit.world["sibling"].id)}, "out_of_reach"),
    ):
        assert (await begin(cockpit, 10, **changes)).json()["code"] == code
    url = (await begin(cockpit, 10)).headers["location"]
    foreign = await send(cockpit, url, 0, b"x", "sibling")
    assert foreign.json()["code"] == "out_of_reach"
    monkeypatch.setattr("cockpit.uploads.service.MOST_UNFINISHED", 1)
    assert (await begin(cockpit, 10)).json()["code"] == "too_many_uploads"
    assert (await cockpit.http.get(f"{U}/{new_id()}", headers=cockpit.bearer())).json()[
        "code"
    ] == "upload_not_found"

    await send(cockpit, url, 0, b"x")
    state = cockpit.app.state
    loading = jobs.Loading(cockpit.database, state.clock, state.receiver, Units, state.upload_cipher, limit=1)
    assert await loading.prune() == 0
    monkeypatch.setattr(jobs, "KEEP_PARTS", timedelta(days=-1))
    assert await loading.prune() == 1
    async with cockpit.database.transaction() as session:
        assert await session.scalar(select(func.count()).select_from(Upload)) == 0
    assert await parts(cockpit) == 0


async def test_a_correction_and_a_resubmission_can_arrive_in_parts(cockpit: Cockpit) -> None:
    row = award(amount="5")
    first = await cockpit.upload("award", "county", csv_of([row, award(amount="-1")]))
    parent = first.json()["id"]
    for changes, content, total in (
        ({"mode": "correction"}, csv_of([{**row, "amount": "6"}]), "6.00"),
        ({"resubmits": parent}, csv_of([award(amount="1")]), "7.00"),
    ):
        made = await begin(cockpit, len(content.encode()), **changes)
        assert made.status_code == 201, made.text
        await send(cockpit, made.headers["location"], 0, content.encode())
        found = await ended(cockpit, made.headers["location"])
        assert found["status"] == "done", found
        assert (found["mode"], found["parent_id"]) == (changes.get("mode", "new"), changes.get("resubmits"))
        assert await amount(cockpit) == total
    family = await cockpit.http.get(f"/api/v1/intake/batches/{parent}", headers=cockpit.bearer())
    assert family.json()["family"]["outstanding"] == 0
    # Said before gigabytes arrive.
    foreign = await begin(cockpit, 10, resubmits=str(new_id()))
    assert (foreign.status_code, foreign.json()["code"]) == (404, "parent_not_found")
    edition = await begin(cockpit, 10, feed="published_aggregate", mode="deletion")
    assert edition.json()["code"] == "editions_not_corrected"
