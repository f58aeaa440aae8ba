"""Files in answers: who may see them, how long they are kept, and fetching all of them at once."""

import asyncio
import io
import uuid
import zipfile
from datetime import timedelta
from typing import Any

import httpx
import pytest
from pydantic import JsonValue

from office.collected import service as collecting
from office.collected.archive import MISSING, cleaned
from office.files.jobs import Tidying
from services.office.tests.support.running_office import RunningOffice, a_draft
from services.office.tests.test_answers import exported, sheets
from services.office.tests.test_files import TEXT, F, N, attached, code_of, upload, uploaded

FIELDS: list[JsonValue] = [
    {"key": "proof", "label": "证明/材料", "type": "attachment", "max_files": 3},
    {"key": "people", "label": "人数", "type": "number"},
]
PERSON = str(uuid.UUID(int=7))
UNIT, ABOVE, BESIDE = "370100", "370000", "320000"


async def asked(office: RunningOffice) -> str:
    """A published notice that asks for files, which every unit below has."""
    client = office.unit("100000")
    await office.numbered("100000")
    notice = str((await client.post(N, json=a_draft(recipients={"reach": "subtree"}))).json()["id"])
    assert (await client.put(f"{N}/{notice}/form", json={"fields": FIELDS})).status_code == 200
    assert (await client.post(f"{N}/{notice}/publish")).status_code == 200
    return notice


def clerk(office: RunningOffice, code: str = UNIT) -> httpx.AsyncClient:
    return office.unit(code, sub=PERSON)


async def save(client: httpx.AsyncClient, notice: str, *files: str) -> httpx.Response:
    values: dict[str, JsonValue] = {"proof": list(files)}
    return await client.put(f"{N}/{notice}/answer", json={"values": values}, headers={"If-Match": "*"})


async def submit(client: httpx.AsyncClient, notice: str, *files: str) -> httpx.Response:
    values: dict[str, JsonValue] = {"proof": list(files), "people": 1}
    return await client.post(
        f"{N}/{notice}/answer/submit", json={"values": values}, headers={"If-Match": "*"}
    )


async def answered(office: RunningOffice, notice: str, code: str = UNIT, name: str = "证明.txt") -> str:
    """A submitted answer with one file; its id."""
    client = clerk(office, code)
    file = await uploaded(client, TEXT, name)
    response = await submit(client, notice, file)
    assert response.status_code == 200, response.text
    return file


async def seen(client: httpx.AsyncClient, file: str) -> int:
    return (await client.get(f"{F}/{file}/content")).status_code


async def test_a_draft_s_files_are_seen_by_the_unit_and_submitted_ones_by_those_above(
    office: RunningOffice,
) -> None:
    notice = await asked(office)
    client = clerk(office)
    file = await uploaded(client)
    saved = await save(client, notice, file)
    assert saved.status_code == 200, saved.text
    assert [one["name"] for one in saved.json()["files"]] == ["说明.txt"]
    assert await seen(office.unit(UNIT), file) == 200
    assert [await seen(office.unit(code), file) for code in ("100000", ABOVE, BESIDE)] == [404] * 3
    assert (await submit(client, notice, file)).status_code == 200
    assert [await seen(office.unit(code), file) for code in ("100000", ABOVE)] == [200] * 2
    assert await seen(office.unit(BESIDE), file) == 404
    # Not by somebody above who does not work with notices.
    assert await seen(office.unit(ABOVE, "member"), file) == 404
    line = (await office.unit("100000").get(f"{N}/{notice}/answers")).json()["items"][0]
    assert [(one["id"], one["name"]) for one in line["files"]] == [(file, "说明.txt")]
    part = await office.unit("100000").get(f"{F}/{file}/content", headers={"Range": "bytes=0-3"})
    assert (part.status_code, len(part.content)) == (206, 4)
    downloads = (await office.unit(UNIT, "unit_admin").get("/api/v1/file-downloads")).json()["items"]
    assert {one["unit"]["code"] for one in downloads} == {"100000", ABOVE, UNIT}


async def test_recipients_of_a_withdrawn_notice_lose_the_answers_of_units_below(
    office: RunningOffice,
) -> None:
    notice = await asked(office)
    file = await answered(office, notice)
    await office.withdrawn(notice)
    assert await seen(office.unit("100000"), file) == 200
    assert await seen(office.unit(UNIT), file) == 200
    assert await seen(office.unit(ABOVE), file) == 404


async def test_a_file_of_another_unit_or_use_is_named_by_its_field(office: RunningOffice) -> None:
    notice = await asked(office)
    foreign, own = await uploaded(clerk(office, BESIDE)), await uploaded(clerk(office))
    refused = await save(clerk(office), notice, own, foreign)
    assert code_of(refused) == (400, "answer_invalid")
    assert [one["pointer"] for one in refused.json()["errors"]] == ["/values/proof/1"]
    other = await asked(office)
    assert (await save(clerk(office), notice, own)).status_code == 200
    assert code_of(await save(clerk(office), other, own)) == (400, "answer_invalid")
    four = [await uploaded(clerk(office)) for _ in range(4)]
    assert code_of(await save(clerk(office), notice, *four)) == (400, "answer_invalid")


async def tidied(office: RunningOffice) -> None:
    """A day later, what is attached to nothing is deleted."""
    office.clock.advance(timedelta(days=1, minutes=1))
    store = office.app.state.file_store
    await Tidying(office.database, office.clock, store, timedelta(days=365)).delete_loose()


async def test_a_file_taken_from_a_draft_is_swept_and_a_submitted_one_is_kept(office: RunningOffice) -> None:
    notice = await asked(office)
    client = clerk(office)
    first = await answered(office, notice)
    second, third = await uploaded(client), await uploaded(client)
    assert (await save(client, notice, second)).status_code == 200
    assert (await submit(client, notice, third)).status_code == 200
    await tidied(office)
    assert [await seen(office.unit(UNIT), file) for file in (first, second, third)] == [200, 404, 200]
    # The sender sees what was submitted before, too.
    assert await seen(office.unit("100000"), first) == 200
    line = (await office.unit("100000").get(f"{N}/{notice}/answers")).json()["items"][0]
    assert [one["id"] for one in line["files"]] == [third]


async def test_a_revision_of_a_notice_is_restored_with_its_files(office: RunningOffice) -> None:
    client = office.unit("100000", sub=PERSON)
    await office.numbered("100000")
    file = await uploaded(client)
    made = await client.post(N, json=a_draft(attachments=attached(file)))
    notice, version = made.json()["id"], made.headers["etag"]
    office.clock.advance(timedelta(hours=1))
    edited = await client.put(f"{N}/{notice}", json=a_draft(attachments=[]), headers={"If-Match": version})
    assert edited.status_code == 200, edited.text
    assert (await client.get(F, params={"subject_kind": "notice", "subject_id": notice})).json()[
        "items"
    ] == []
    await tidied(office)
    restored = await client.post(f"{N}/{notice}/revisions/1/restore", headers={"If-Match": "*"})
    assert restored.status_code == 200, restored.text
    assert await seen(client, file) == 200
    # Recipients get what the document has, and nothing of its revisions.
    office.clock.advance(timedelta(hours=1))
    plain = await client.put(f"{N}/{notice}", json=a_draft(attachments=[]), headers={"If-Match": "*"})
    assert plain.status_code == 200
    assert (await client.post(f"{N}/{notice}/publish")).status_code == 200
    assert await seen(client, file) == 200
    assert await seen(office.unit(ABOVE), file) == 404


async def archive_of(office: RunningOffice, notice: str, code: str = "100000") -> dict[str, bytes]:
    client = office.unit(code, sub=PERSON)
    path = await exported(client, await client.post(f"{N}/{notice}/answers/export-files"))
    file = await client.get(f"{path}/file")
    assert file.headers["content-type"] == "application/zip"
    assert (await client.get(path)).json()["name"].endswith(".zip")
    with zipfile.ZipFile(io.BytesIO(file.content)) as archive:
        assert archive.testzip() is None
        return {name: archive.read(name) for name in archive.namelist()}


async def test_all_files_are_packed_by_unit_and_named_in_the_table(office: RunningOffice) -> None:
    notice = await asked(office)
    client = clerk(office)
    files = [await uploaded(client, TEXT + bytes(str(n), "ascii"), "证明.txt") for n in range(2)]
    assert (await submit(client, notice, *files)).status_code == 200
    await answered(office, notice, BESIDE, "江苏.txt")
    folder = "370100 370100学生资助管理中心"
    assert await archive_of(office, notice) == {
        "320000 320000学生资助管理中心/证明_材料-江苏.txt": TEXT,
        f"{folder}/证明_材料-证明.txt": TEXT + b"0",
        f"{folder}/证明_材料-证明(2).txt": TEXT + b"1",
    }
    assert list(await archive_of(office, notice, ABOVE)) == [
        f"{folder}/证明_材料-证明.txt",
        f"{folder}/证明_材料-证明(2).txt",
    ]
    downloads = (await office.unit(UNIT, "unit_admin").get("/api/v1/file-downloads")).json()["items"]
    assert sorted(one["unit"]["code"] for one in downloads) == ["100000", "100000", ABOVE, ABOVE]
    centre = office.unit("100000", sub=PERSON)
    path = await exported(centre, await centre.post(f"{N}/{notice}/answers/export"))
    book = sheets((await centre.get(f"{path}/file")).content)
    assert [row[2] for row in book["答复汇总"][1:3]] == ["江苏.txt", "证明.txt、证明.txt"]


async def test_what_cannot_be_packed_is_said_before(
    office: RunningOffice, monkeypatch: pytest.MonkeyPatch
) -> None:
    notice = await asked(office)
    client = office.unit("100000")
    path = f"{N}/{notice}/answers/export-files"
    assert code_of(await client.post(path)) == (409, "no_files_collected")
    await answered(office, notice)
    monkeypatch.setattr(collecting, "MAX_PACKED_BYTES", len(TEXT) - 1)
    assert code_of(await client.post(path)) == (409, "too_many_files_collected")


async def test_a_lost_file_is_named_in_the_archive(office: RunningOffice) -> None:
    notice = await asked(office)
    await answered(office, notice)
    await answered(office, notice, BESIDE, "江苏.txt")
    await office.app.state.file_store.sweep(_nothing_used, timedelta(0))
    packed = await archive_of(office, notice)
    assert list(packed) == [MISSING]
    assert packed[MISSING].decode().count("\r\n") == 1


async def _nothing_used(_: Any) -> list[bytes]:
    return []


@pytest.mark.parametrize(
    ("name", "path"), [("../甲", "_甲"), ("a/b\\c", "a_b_c"), ("甲。", "甲。"), ("...", "_"), ("甲 ", "甲")]
)
def test_no_name_leads_out_of_its_folder(name: str, path: str) -> None:
    assert cleaned(name, 10) == path


async def test_uploads_at_once_are_attached_once(office: RunningOffice) -> None:
    """Two people save the same draft at once: one of them is told, no file is lost."""
    notice = await asked(office)
    client = clerk(office)
    first, second = await asyncio.gather(uploaded(client), uploaded(client))
    answers = await asyncio.gather(
        *(
            client.put(
                f"{N}/{notice}/answer", json={"values": {"proof": [file]}}, headers={"If-Match": '"0"'}
            )
            for file in (first, second)
        )
    )
    assert sorted(one.status_code for one in answers) == [200, 412]
    assert (await upload(client)).status_code == 201
