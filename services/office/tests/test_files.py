"""Files: uploads with bad input, attachments and who may see them, ranges, downloads, previews, tidying."""

import asyncio
import io
import uuid
import zipfile
from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path

import httpx
import pypdfium2
import pytest
from PIL import Image
from pydantic import JsonValue
from sqlalchemy import select, text

from filekit.sniff import DOCX
from libs.filekit.tests.conftest import EICAR, fake_clamd
from office.files.jobs import Tidying, picture_of
from office.files.models import File
from services.office.tests.support.running_office import FILE_LIMIT, UNPACKED_LIMIT, RunningOffice, a_draft

F = "/api/v1/files"
N = "/api/v1/notices"
TEXT = "关于举办培训的说明\n".encode() * 100


def code_of(response: httpx.Response) -> tuple[int, str]:
    assert response.headers["content-type"] == "application/problem+json", response.text
    return response.status_code, response.json()["code"]


def a_picture(kind: str = "PNG", size: tuple[int, int] = (1600, 1200)) -> bytes:
    out = io.BytesIO()
    Image.new("RGB", size, "navy").save(out, kind)
    return out.getvalue()


def a_pdf() -> bytes:
    out = io.BytesIO()
    document = pypdfium2.PdfDocument.new()
    document.new_page(595, 842)
    document.save(out)
    return out.getvalue()


def a_docx(*more: tuple[str, bytes]) -> bytes:
    out = io.BytesIO()
    kind = f"{DOCX}.main+xml"
    types = f'<Types><Override PartName="/word/document.xml" ContentType="{kind}"/></Types>'
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("[Content_Types].xml", types)
        archive.writestr("word/document.xml", "<document/>")
        for name, data in more:
            archive.writestr(name, data)
    return out.getvalue()


async def upload(client: httpx.AsyncClient, content: bytes = TEXT, name: str = "说明.txt") -> httpx.Response:
    return await client.post(F, params={"file_name": name}, content=content)


async def uploaded(client: httpx.AsyncClient, content: bytes = TEXT, name: str = "说明.txt") -> str:
    response = await upload(client, content, name)
    assert response.status_code == 201, response.text
    return str(response.json()["id"])


def attached(*files: str) -> list[JsonValue]:
    return [{"name": f"附件{number}", "file_id": file} for number, file in enumerate(files, 1)]


async def published_with(
    office: RunningOffice, content: bytes = TEXT, name: str = "说明.txt"
) -> tuple[str, str]:
    """A notice of the centre with a file; both ids."""
    file = await uploaded(office.unit("100000", sub=PUBLISHER), content, name)
    await office.numbered("100000")
    client = office.unit("100000", sub=PUBLISHER)
    response = await client.post(N, json=a_draft(attachments=attached(file)))
    assert response.status_code == 201, response.text
    notice = str(response.json()["id"])
    response = await client.post(f"{N}/{notice}/publish")
    assert response.status_code == 200, response.text
    return notice, file


PUBLISHER = str(uuid.UUID(int=1))
CHILD, GRANDCHILD = "370000", "370100"


async def test_an_upload_is_described_and_can_be_fetched_by_its_uploader(office: RunningOffice) -> None:
    client = office.unit("100000")
    response = await upload(client)
    made = response.json()
    assert response.status_code == 201, response.text
    assert (made["name"], made["media_type"], made["size"]) == ("说明.txt", "text/plain", len(TEXT))
    assert (made["subject_kind"], made["preview"]) == (None, "none")
    assert response.headers["location"] == f"{F}/{made['id']}"
    fetched = await client.get(f"{F}/{made['id']}/content")
    assert (fetched.status_code, fetched.content) == (200, TEXT)
    assert fetched.headers["content-type"].startswith("text/plain")
    assert fetched.headers["x-content-type-options"] == "nosniff"
    assert fetched.headers["content-length"] == str(len(TEXT))
    assert fetched.headers["content-disposition"] == (
        "attachment; filename=\"file.txt\"; filename*=UTF-8''%E8%AF%B4%E6%98%8E.txt"
    )


@pytest.mark.parametrize(
    ("name", "seen"),
    [
        ("../../etc/passwd", "passwd.txt"),
        ("C:\\Users\\王芳\\说明.txt", "说明.txt"),
        ("发票\u202etxt.exe", "发票txt.exe.txt"),
        ("说\x07明\r\n.txt", "说明.txt"),
        ("zero\u200bwidth.TXT", "zerowidth.TXT"),
        ("a<b>:c?.txt", "a_b__c_.txt"),
        ("说明.pdf", "说明.pdf.txt"),
        ("x" * 250, "x" * 196 + ".txt"),
    ],
)
async def test_a_name_is_cleaned_and_has_the_extension_of_the_content(
    office: RunningOffice, name: str, seen: str
) -> None:
    response = await upload(office.unit("100000"), name=name)
    assert response.status_code == 201, response.text
    assert response.json()["name"] == seen


async def test_a_name_of_which_nothing_remains_is_refused(office: RunningOffice) -> None:
    client = office.unit("100000")
    for name in ("/", "..", "\u202e", "dir/", "???"):
        assert code_of(await upload(client, name=name)) == (400, "bad_file_name"), name
    assert (await upload(client, name="x" * 256)).status_code == 422
    assert (await client.post(F, content=TEXT)).status_code == 422


async def test_content_decides_the_type_whatever_the_name_says(office: RunningOffice) -> None:
    client = office.unit("100000")
    refused = {
        "page.pdf": b"<!DOCTYPE html><html><script>alert(1)</script></html>",
        "picture.png": b'<svg xmlns="http://www.w3.org/2000/svg"><script/></svg>',
        "program.docx": b"MZ" + bytes(1000),
        "archive.docx": zipped(("a.txt", b"a")),
        "macros.docx": a_docx(("word/vbaProject.bin", b"x")),
    }
    for name, content in refused.items():
        response = await upload(client, content, name)
        assert response.status_code == 415, (name, response.text)
    accepted = await upload(client, a_docx(), "报告.pdf")
    assert (accepted.json()["media_type"], accepted.json()["name"]) == (DOCX, "报告.pdf.docx")


def zipped(*parts: tuple[str, bytes]) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in parts:
            archive.writestr(name, data)
    return out.getvalue()


async def test_an_empty_file_and_one_over_the_limit_are_refused(office: RunningOffice) -> None:
    client = office.unit("100000")
    assert code_of(await upload(client, b"")) == (400, "empty_upload")
    assert code_of(await upload(client, b"a" * (FILE_LIMIT + 1))) == (413, "body_too_large")

    async def chunked() -> AsyncIterator[bytes]:
        for _ in range(FILE_LIMIT // 65536 + 1):
            yield b"a" * 65536

    response = await client.post(F, params={"file_name": "a.txt"}, content=chunked())
    assert code_of(response) == (413, "body_too_large")
    assert (await upload(client, b"a" * FILE_LIMIT)).status_code == 201


async def test_a_document_that_unpacks_to_more_than_the_limit_is_refused(office: RunningOffice) -> None:
    bomb = a_docx(("word/media/image1.png", bytes(UNPACKED_LIMIT)))
    assert len(bomb) < 100_000
    client = office.unit("100000")
    assert code_of(await upload(client, bomb, "报告.docx")) == (413, "unpacked_too_large")
    # The directory may lie about the size.
    size = UNPACKED_LIMIT.to_bytes(4, "little")
    liar = bomb.replace(size, (100).to_bytes(4, "little"))
    assert liar != bomb
    assert code_of(await upload(client, liar, "报告.docx")) == (413, "unpacked_too_large")


async def test_a_file_with_a_virus_is_refused(office: RunningOffice, tmp_path: Path) -> None:
    async with fake_clamd(tmp_path) as scanner:
        office.app.state.file_scanner = scanner
        client = office.unit("100000")
        assert code_of(await upload(client, EICAR, "a.txt")) == (400, "file_infected")
        assert (await upload(client)).status_code == 201
    assert code_of(await upload(client)) == (503, "scanner_unavailable")


async def test_a_file_attached_to_nothing_is_seen_by_its_uploader_only(office: RunningOffice) -> None:
    mine = office.unit("100000")
    file = await uploaded(mine)
    for other in (office.unit("100000"), office.unit(CHILD)):
        for path in ("", "/content", "/preview"):
            assert code_of(await other.get(f"{F}/{file}{path}")) == (404, "not_found")
        assert code_of(await other.delete(f"{F}/{file}")) == (404, "not_found")
    assert (await office.client(None).get(f"{F}/{file}/content")).status_code == 401
    assert (await mine.delete(f"{F}/{file}")).status_code == 204
    assert code_of(await mine.get(f"{F}/{file}")) == (404, "not_found")


async def test_attachments_are_served_to_those_who_have_the_notice(office: RunningOffice) -> None:
    notice, file = await published_with(office)
    path = f"{F}/{file}/content"
    assert (await office.unit(CHILD, "handler").get(path)).content == TEXT
    assert code_of(await office.unit(GRANDCHILD, "handler").get(path)) == (404, "not_found")
    await office.forwarded(notice, CHILD)
    assert (await office.unit(GRANDCHILD, "handler").get(path)).content == TEXT
    query = {"subject_kind": "notice", "subject_id": notice}
    listed = (await office.unit(GRANDCHILD, "handler").get(F, params=query)).json()["items"]
    assert [(one["id"], one["subject_id"]) for one in listed] == [(file, notice)]
    assert code_of(await office.unit("100000", sub=PUBLISHER).delete(f"{F}/{file}")) == (409, "file_attached")


async def test_recipients_of_a_withdrawn_notice_do_not_get_its_attachments(office: RunningOffice) -> None:
    notice, file = await published_with(office)
    await office.withdrawn(notice)
    assert code_of(await office.unit(CHILD).get(f"{F}/{file}/content")) == (409, "notice_withdrawn")
    assert (await office.unit("100000").get(f"{F}/{file}/content")).status_code == 200


async def test_attachments_of_a_draft_are_seen_by_those_who_see_the_draft(office: RunningOffice) -> None:
    client = office.unit("100000")
    file = await uploaded(client)
    assert (await client.post(N, json=a_draft(attachments=attached(file)))).status_code == 201
    assert (await office.unit("100000", "handler").get(f"{F}/{file}")).status_code == 200
    assert code_of(await office.unit("100000", "reviewer").get(f"{F}/{file}")) == (404, "not_found")
    assert code_of(await office.unit(CHILD).get(f"{F}/{file}")) == (404, "not_found")


async def test_a_file_of_another_subject_or_unit_cannot_be_attached(office: RunningOffice) -> None:
    client = office.unit("100000")
    file = await uploaded(client)
    assert (await client.post(N, json=a_draft(attachments=attached(file)))).status_code == 201
    foreign = await uploaded(office.unit(CHILD))
    for bad in (file, foreign, str(uuid.uuid4())):
        response = await client.post(N, json=a_draft(attachments=attached(bad)))
        assert code_of(response) == (400, "file_not_attachable")
        assert response.json()["errors"][0]["pointer"] == "/attachments/0/file_id"


async def test_of_two_drafts_that_take_a_file_at_once_one_gets_it(office: RunningOffice) -> None:
    client = office.unit("100000")
    file = await uploaded(client)
    draft = a_draft(attachments=attached(file))
    answers = await asyncio.gather(*(client.post(N, json=draft) for _ in range(6)))
    assert sorted(answer.status_code for answer in answers) == [201] + [400] * 5


async def test_a_deleted_draft_gives_its_files_back(office: RunningOffice) -> None:
    client = office.unit("100000")
    file = await uploaded(client)
    made = await client.post(N, json=a_draft(attachments=attached(file)))
    path = made.headers["location"].replace("/outbox", "")
    assert (await client.delete(path)).status_code == 204
    assert (await client.get(f"{F}/{file}")).json()["subject_id"] is None


async def test_a_file_taken_from_a_draft_is_deleted_a_day_later(office: RunningOffice) -> None:
    client = office.unit("100000")
    kept, dropped = await uploaded(client), await uploaded(client, a_picture(), "图.png")
    made = await client.post(N, json=a_draft(attachments=attached(dropped, kept)))
    path = made.headers["location"].replace("/outbox", "")
    headers = {"If-Match": made.headers["etag"]}
    changed = await client.put(path, json=a_draft(attachments=attached(kept)), headers=headers)
    assert changed.status_code == 200, changed.text
    assert (await client.get(f"{F}/{dropped}")).json()["subject_kind"] is None
    tidying = Tidying(office.database, office.clock, office.app.state.file_store, timedelta(days=365))
    office.clock.advance(timedelta(hours=23))
    await tidying.delete_loose()
    assert await ids(office) == {kept, dropped}
    office.clock.advance(timedelta(hours=2))
    await tidying.delete_loose()
    assert await ids(office) == {kept}


async def ids(office: RunningOffice) -> set[str]:
    async with office.database.transaction() as session:
        return {str(one) for one in await session.scalars(select(File.id))}


async def test_a_person_has_a_limited_number_of_unused_files(office: RunningOffice) -> None:
    client = office.unit("100000", sub=PUBLISHER)
    for _ in range(100):
        await uploaded(client, b"a")
    assert code_of(await upload(client)) == (409, "too_many_loose_files")


@pytest.mark.parametrize(
    ("asked", "first", "end"),
    [
        ("bytes=0-9", 0, 10),
        ("bytes=10-", 10, len(TEXT)),
        ("bytes=-5", len(TEXT) - 5, len(TEXT)),
        ("bytes=5-999999999", 5, len(TEXT)),
        ("bytes=-999999999", 0, len(TEXT)),
    ],
)
async def test_a_range_is_answered_with_part_of_the_file(
    office: RunningOffice, asked: str, first: int, end: int
) -> None:
    client = office.unit("100000")
    path = f"{F}/{await uploaded(client)}/content"
    response = await client.get(path, headers={"Range": asked})
    assert (response.status_code, response.content) == (206, TEXT[first:end])
    assert response.headers["content-range"] == f"bytes {first}-{end - 1}/{len(TEXT)}"
    assert response.headers["content-length"] == str(end - first)


async def test_odd_ranges_are_ignored_or_refused_and_if_range_is_compared(office: RunningOffice) -> None:
    client = office.unit("100000")
    path = f"{F}/{await uploaded(client)}/content"
    for odd in ("bytes=a-b", "bytes=-", "lines=1-2", "bytes=0-1,5-6", "bytes=9-3", "", "bytes"):
        assert (await client.get(path, headers={"Range": odd})).content == TEXT, odd
    for late in (f"bytes={len(TEXT)}-", "bytes=-0", "bytes=9999999999999999999-"):
        refused = await client.get(path, headers={"Range": late})
        assert code_of(refused) == (416, "range_not_satisfiable")
        assert refused.headers["content-range"] == f"bytes */{len(TEXT)}"
    etag = (await client.get(path)).headers["etag"]
    for value, status in (
        (etag, 206),
        ('"other"', 200),
        (f"W/{etag}", 200),
        ("Thu, 01 Jan 2026 00:00:00 GMT", 200),
    ):
        response = await client.get(path, headers={"Range": "bytes=0-9", "If-Range": value})
        assert response.status_code == status, value
    for value, status in ((etag, 304), (f'"x", W/{etag}', 304), ("*", 304), ('"x"', 200)):
        assert (await client.get(path, headers={"If-None-Match": value})).status_code == status, value


async def test_a_front_end_on_another_host_may_ask_for_ranges_and_read_names(office: RunningOffice) -> None:
    client = office.unit("100000")
    path = f"{F}/{await uploaded(client)}/content"
    origin = {"Origin": "http://localhost:5173"}
    asked = {"Access-Control-Request-Method": "GET", "Access-Control-Request-Headers": "if-range,range"}
    assert (await client.options(path, headers={**origin, **asked})).status_code == 200
    shown = (await client.get(path, headers=origin)).headers["access-control-expose-headers"]
    assert {"content-disposition", "content-range", "etag"} <= set(shown.split(", "))


async def test_downloads_are_listed_for_the_unit_that_owns_the_file(office: RunningOffice) -> None:
    _, file = await published_with(office)
    reader = uuid.uuid4()
    await office.insert_people([(CHILD, reader)])
    client = office.unit(CHILD, "handler", sub=str(reader))
    for part in ("bytes=0-9", "bytes=10-19", "bytes=20-"):
        assert (await client.get(f"{F}/{file}/content", headers={"Range": part})).status_code == 206
    office.clock.advance(timedelta(minutes=11))
    client = office.unit(CHILD, "handler", sub=str(reader))
    assert (await client.get(f"{F}/{file}/content")).status_code == 200
    path = "/api/v1/file-downloads"
    listed = (await office.unit("100000", "unit_admin").get(path, params={"file_id": file})).json()
    assert listed["total"] == {"count": 2, "exact": True}
    assert {(one["by"], one["person_name"], one["file_name"], one["preview"]) for one in listed["items"]} == {
        (str(reader), "张三", "说明.txt", False)
    }
    first = listed["items"][-1]
    assert first["unit"]["id"] == office.world.id(CHILD)
    page = (await office.unit("100000", "approver").get(path, params={"limit": 1})).json()
    rest = await office.unit("100000", "approver").get(path, params={"limit": 1, "cursor": page["next"]})
    assert [one["id"] for one in page["items"] + rest.json()["items"]] == [
        one["id"] for one in listed["items"]
    ]
    late = {"since": listed["items"][0]["at"]}
    assert len((await office.unit("100000", "approver").get(path, params=late)).json()["items"]) == 1
    assert (await office.unit(CHILD, "unit_admin").get(path)).json()["items"] == []
    assert code_of(await office.unit("100000", "handler").get(path)) == (403, "permission_required")


@pytest.mark.parametrize(
    ("content", "name"),
    [
        (a_picture(), "图.png"),
        (a_picture("JPEG"), "图.jpg"),
        (a_picture("GIF"), "图.gif"),
        (a_pdf(), "文.pdf"),
    ],
)
async def test_pictures_and_documents_get_a_preview(office: RunningOffice, content: bytes, name: str) -> None:
    client = office.unit("100000")
    file = await uploaded(client, content, name)
    assert await preview_of(client, file) == "ready"
    response = await client.get(f"{F}/{file}/preview")
    assert response.headers["content-type"] == "image/jpeg"
    assert max(Image.open(io.BytesIO(response.content)).size) == 960


async def preview_of(client: httpx.AsyncClient, file: str) -> str:
    """The status of the preview once the job has ended."""
    async with asyncio.timeout(120):
        while True:
            status = str((await client.get(f"{F}/{file}")).json()["preview"])
            if status != "pending":
                return status
            await asyncio.sleep(0.05)


async def test_a_broken_document_has_no_preview_and_is_still_served(office: RunningOffice) -> None:
    client = office.unit("100000")
    broken = b"%PDF-1.7\n" + b"\x00\xff" * 500
    file = await uploaded(client, broken, "坏.pdf")
    assert await preview_of(client, file) == "failed"
    assert code_of(await client.get(f"{F}/{file}/preview")) == (404, "not_found")
    assert (await client.get(f"{F}/{file}/content")).content == broken


async def test_a_decompression_bomb_of_pixels_is_not_drawn(tmp_path: Path) -> None:
    path = tmp_path / "bomb.png"
    Image.new("1", (20_000, 20_000)).save(path)
    with path.open("rb") as file:
        assert await picture_of(file, "image/png") is None


async def test_contents_that_no_file_refers_to_are_swept(office: RunningOffice) -> None:
    client = office.unit("100000")
    file = await uploaded(client)
    tidying = Tidying(office.database, office.clock, office.app.state.file_store, timedelta(days=365))
    async with office.database.transaction() as session:
        row = (await session.scalars(select(File))).one()
    assert await tidying._used({row.digest, b"x" * 32}) == {row.digest}
    assert (await client.delete(f"{F}/{file}")).status_code == 204
    assert await tidying._used({row.digest}) == set()


async def test_a_lost_content_is_reported_and_no_store_means_no_files(office: RunningOffice) -> None:
    client = office.unit("100000")
    file = await uploaded(client)
    async with office.database.transaction() as session:
        row = (await session.scalars(select(File))).one()
    await office.app.state.file_store.delete(row.digest)
    assert code_of(await client.get(f"{F}/{file}/content")) == (503, "files_unavailable")
    office.app.state.file_store = None
    assert code_of(await upload(client)) == (503, "files_unavailable")


async def test_downloads_are_kept_in_partitions_by_month(office: RunningOffice) -> None:
    tidying = Tidying(office.database, office.clock, None, timedelta(days=365))
    await tidying.keep_partitions()
    async with office.database.transaction() as session:
        names = await session.scalars(
            text(
                "SELECT inhrelid::regclass::text FROM pg_inherits"
                " WHERE inhparent = 'file_downloads'::regclass"
            )
        )
        assert {"file_downloads_part_202304", "file_downloads_part_202305"} <= set(names)
