"""A file in a form is what it is as a body; files in an archive are one batch, whose report names them."""

import csv
import io
import zipfile
from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest

from servicekit.ids import new_id
from services.cockpit.tests.support.running_cockpit import (
    AWARD_COLUMNS,
    NATIONAL_2017,
    Cockpit,
    amount,
    award,
    csv_of,
    stored,
)

ZIP = "application/zip"


async def form(
    cockpit: Cockpit,
    content: bytes | str,
    *,
    name: str = "a.csv",
    content_type: str | None = "text/csv",
    path: str = "batches",
    key: str | None = None,
    who: str = "county",
    **fields: str,
) -> httpx.Response:
    given = {"feed": "award", "source": "表单", **fields}
    data = content.encode() if isinstance(content, str) else content
    return await cockpit.http.post(
        f"/api/v1/intake/{path}/form",
        data=given,
        files={"file": (name, data, content_type)},
        headers={**cockpit.bearer(who), **({} if key is None else {"Idempotency-Key": key})},
    )


def zipped(**files: str | bytes) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in files.items():
            archive.writestr(f"{name}.csv", content)
    return out.getvalue()


async def detail(cockpit: Cockpit, made: httpx.Response) -> dict[str, Any]:
    assert made.status_code == 201, made.text
    found = await cockpit.http.get(made.headers["location"], headers=cockpit.bearer())
    body: dict[str, Any] = found.json()
    return body


async def report(cockpit: Cockpit, made: httpx.Response) -> list[list[str]]:
    file = await cockpit.http.get(f"{made.headers['location']}/quarantine.csv", headers=cockpit.bearer())
    return list(csv.reader(io.StringIO(file.text.removeprefix("\ufeff"))))


async def test_a_form_counts_once_like_a_body(cockpit: Cockpit) -> None:
    content = csv_of([award(amount="5"), award(amount="-1")])
    name = str(new_id())
    made = await form(cockpit, content, batch_id=name, unit="")
    assert made.status_code == 201, made.text
    assert (made.json()["accepted"], made.json()["rejected"], made.json()["source"]) == (1, 1, "表单")
    again = await form(cockpit, content, batch_id=name)
    assert (again.status_code, again.headers["idempotency-replayed"]) == (200, "true")
    params = {"feed": "award", "source": "表单", "batch_id": name}
    as_body = await cockpit.http.post(
        "/api/v1/intake/batches",
        params=params,
        content=content,
        headers={**cockpit.bearer(), "Content-Type": "text/csv"},
    )
    assert (as_body.status_code, as_body.json()) == (200, made.json())
    assert await amount(cockpit) == "5.00"


@pytest.mark.parametrize(
    ("name", "content_type"),
    [("a.CSV", "application/vnd.ms-excel"), ("a.csv", "application/octet-stream"), ("a.csv", None)],
)
async def test_the_name_says_the_format_where_a_browser_does_not(
    cockpit: Cockpit, name: str, content_type: str | None
) -> None:
    made = await form(cockpit, csv_of([award()]), name=name, content_type=content_type, key=f"key-{new_id()}")
    assert (made.status_code, made.json()["format"]) == (201, "csv")


async def test_a_form_that_is_refused_leaves_nothing(cockpit: Cockpit) -> None:
    good = csv_of([award()])
    for answer, code in (
        (await form(cockpit, good), "batch_key_required"),
        (await form(cockpit, good, feed="nosuch"), "invalid_shape"),
        (await form(cockpit, good, nosuch="1"), "invalid_shape"),
        (await form(cockpit, good, name="a.pdf", content_type="application/pdf"), "unsupported_media_type"),
        (await form(cockpit, b"PK\x03\x04" + bytes(100), name="a.xls", content_type=None, key="k" * 8), None),
        (await form(cockpit, good, unit=str(cockpit.world["sibling"].id), key="k" * 8), "out_of_reach"),
        (await form(cockpit, good, source="370102198001010013", key="k" * 8), "personal_number"),
        (await form(cockpit, good.replace("term", "semester"), key="k" * 8), "wrong_columns"),
    ):
        assert 400 <= answer.status_code < 500
        assert code is None or answer.json()["code"] == code, answer.text
    headers = {**cockpit.bearer(), "Idempotency-Key": "k" * 8}
    as_body = await cockpit.http.post("/api/v1/intake/batches/form", content=good, headers=headers)
    assert (as_body.status_code, as_body.json()["code"]) == (415, "not_a_form")

    async def cut() -> AsyncIterator[bytes]:
        yield b'--x\r\nContent-Disposition: form-data; name="feed"\r\n\r\naward\r\n'
        yield b'--x\r\nContent-Disposition: form-data; name="source"\r\n\r\ns\r\n'
        yield b'--x\r\nContent-Disposition: form-data; name="file"; filename="a.csv"\r\n\r\n' + good.encode()

    broken = await cockpit.http.post(
        "/api/v1/intake/batches/form",
        content=cut(),
        headers={**headers, "Content-Type": "multipart/form-data; boundary=x"},
    )
    assert (broken.status_code, broken.json()["code"]) == (400, "malformed_form")
    assert await stored(cockpit) == (0, 0, 0)


async def test_a_form_can_be_tried_without_keeping_anything(cockpit: Cockpit) -> None:
    tried = await form(cockpit, csv_of([award(), award(amount="x")]), path="checks")
    assert (tried.json()["accepted"], tried.json()["rejected"]) == (1, 1)
    assert await stored(cockpit) == (0, 0, 0)


async def test_a_file_over_the_limit_is_refused_in_a_form(cockpit: Cockpit, upload_limit: int) -> None:
    large = await form(cockpit, bytes(upload_limit + 1), key="k" * 8)
    assert (large.status_code, large.json()["code"]) == (413, "body_too_large")


async def test_files_of_an_archive_are_one_batch_whose_report_names_them(cockpit: Cockpit) -> None:
    again = award(amount="3")
    first = csv_of([award(amount="5"), award(amount="-1"), again])
    second = "\r\n" + csv_of([again, award(amount="x"), award(amount="7")]) + "too,few\r\n"
    content = zipped(甲县=first, 学生13800138000=second)
    made = await cockpit.upload("award", "county", content, content_type=ZIP)
    found = await detail(cockpit, made)
    assert (found["batch"]["format"], found["batch"]["encoding"]) == ("zip", "utf-8")
    assert (found["batch"]["accepted"], found["batch"]["rejected"]) == (3, 4)
    assert [(one["accepted"], one["rejected"]) for one in found["files"]] == [(2, 1), (1, 3)]
    masked = found["files"][1]["name"]
    assert "13800138000" not in masked
    lines = await report(cockpit, made)
    assert lines[0] == ["文件", "行号", "原因代码", "原因", *AWARD_COLUMNS]
    assert {tuple(line[:3]) for line in lines[1:]} == {
        ("甲县.csv", "3", "amount_not_positive"),
        (masked, "3", "duplicate_row"),
        (masked, "4", "bad_number"),
        (masked, "6", "wrong_field_count"),
    }
    assert await amount(cockpit) == "15.00"

    # The report, corrected, is a file like any other.
    out = io.StringIO()
    kept = [line for line in lines if line[2] in {"原因代码", "amount_not_positive"}]
    csv.writer(out).writerows([[cell.replace("'-1", "9") for cell in line] for line in kept])
    assert (await cockpit.upload("award", "county", out.getvalue())).json()["accepted"] == 1
    assert await amount(cockpit) == "24.00"


async def test_an_archive_can_be_tried(cockpit: Cockpit) -> None:
    tried = await form(
        cockpit,
        zipped(a=csv_of([award()]), b=csv_of([award(amount="x")])),
        name="a.zip",
        content_type="application/x-zip-compressed",
        path="checks",
    )
    assert [(one["name"], one["rejected"]) for one in tried.json()["files"]] == [("a.csv", 0), ("b.csv", 1)]
    assert [(row["file"], row["line"]) for row in tried.json()["rows"]] == [("b.csv", 2)]


async def test_files_in_one_encoding_are_taken_whichever_it_is(cockpit: Cockpit) -> None:
    codes = {"term": "spring", "stage": "compulsory", "programme": "living_allowance", "funding": "central"}
    for order in ("ab", "ba"):
        plain = csv_of([award(**codes, amount="2")])
        assert plain.isascii()
        chinese = csv_of([award(amount="3")]).encode("gb18030")
        files: dict[str, str | bytes] = {"a": plain, "b": chinese}
        content = zipped(**{name: files[name] for name in order})
        made = await cockpit.upload("award", "county", content, content_type=ZIP)
        assert (made.status_code, made.json()["encoding"], made.json()["accepted"]) == (201, "gb18030", 2)


@pytest.mark.parametrize(
    ("files", "code", "words"),
    [
        ({"a": csv_of([award()]), "b": csv_of([award()]).encode("gb18030")}, "mixed_encodings", "b.csv"),
        ({"a": csv_of([award()]), "b": csv_of([award()]).encode("utf-16")}, "unknown_encoding", "b.csv"),
        ({"a": csv_of([award()]), "b": ",".join(AWARD_COLUMNS)}, "empty_file", "b.csv"),
        ({"a": csv_of([award()]), "b": csv_of([award()], AWARD_COLUMNS[::-1])}, "wrong_columns", "b.csv"),
        ({"a": csv_of([award()]), "b": NATIONAL_2017.read_bytes()}, "wrong_columns", "b.csv"),
        ({"a": csv_of([award()]), "b": zipped(c=csv_of([award()]))}, "nested_archive", "b.csv"),
        ({"a": csv_of([award()]), "../b": csv_of([award()])}, "unsafe_archive", "路径"),
        ({"a": csv_of([award()]), "b": bytes(2 * 1024**2)}, "archive_too_large", "展开"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
async def test_an_archive_that_is_refused_leaves_nothing(
    cockpit: Cockpit, files: dict[str, str | bytes], code: str, words: str
) -> None:
    made = await cockpit.upload("award", "county", zipped(**files), content_type=ZIP)
    assert (made.status_code // 100, made.json()["code"]) == (4, code)
    assert words in made.json()["detail"]
    assert await stored(cockpit) == (0, 0, 0)


async def test_an_archive_damaged_in_a_later_block_leaves_nothing_that_counts(cockpit: Cockpit) -> None:
    rows = csv_of([award() for _ in range(3000)])
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_STORED) as archive:
        archive.writestr("a.csv", rows)
    content = out.getvalue()
    at = content.rfind(b"625.00")
    made = await cockpit.upload("award", "county", content[:at] + b"6" + content[at + 1 :], content_type=ZIP)
    assert made.status_code == 201
    broken = content[:at] + b"9" + content[at + 1 :]
    refused = await cockpit.upload("award", "county", broken, content_type=ZIP)
    assert (refused.status_code, refused.json()["code"]) == (400, "malformed_archive")
    assert (await stored(cockpit))[2] == 3000
