"""Tables as bodies of requests, and files as answers."""

import io
import zipfile

import httpx
import pytest
from fastapi import FastAPI, Request
from fastapi.responses import Response

from filekit.http import TABLE_BODY, UPLOAD_ERRORS, FileScanner, attachment, row_number, uploaded
from filekit.scan import NullScanner
from servicekit import problems

LIMIT = 64 * 1024


@pytest.fixture
def app() -> FastAPI:
    made = FastAPI()
    made.state.file_scanner = NullScanner()

    @made.post("/tables", openapi_extra=TABLE_BODY, responses=problems.responses(*UPLOAD_ERRORS))
    async def receive(request: Request, scanner: FileScanner) -> dict[str, object]:
        async with uploaded(request, scanner, limit=LIMIT) as file:
            return {"type": file.media_type, "size": file.size}

    @made.get("/file")
    async def send() -> Response:
        return Response(b"x", headers=attachment("失败的行.xlsx", plain="rows.xlsx"))

    return made


@pytest.fixture
def http(app: FastAPI) -> httpx.AsyncClient:
    return httpx.AsyncClient(transport=httpx.ASGITransport(app=app), base_url="http://files")


async def test_a_table_is_received_and_its_type_told_by_its_content(http: httpx.AsyncClient) -> None:
    answer = await http.post("/tables", content="代码,名称\n1,一\n".encode())
    assert answer.json() == {"type": "text/plain", "size": 20}


async def test_what_is_no_table_or_too_large_is_refused(http: httpx.AsyncClient) -> None:
    archive = io.BytesIO()
    with zipfile.ZipFile(archive, "w") as target:
        target.writestr("a.txt", "a")
    for content, error in (
        (archive.getvalue(), "UnsupportedFileType"),
        (b"a,b\n" * LIMIT, "BodyTooLarge"),
    ):
        with pytest.raises(problems.Problem) as refused:
            await http.post("/tables", content=content)
        assert type(refused.value).__name__ == error


async def test_a_download_has_a_chinese_name_and_is_not_cached(http: httpx.AsyncClient) -> None:
    headers = (await http.get("/file")).headers
    assert headers["content-disposition"] == (
        "attachment; filename=\"rows.xlsx\"; filename*=UTF-8''%E5%A4%B1%E8%B4%A5%E7%9A%84%E8%A1%8C.xlsx"
    )
    assert (headers["cache-control"], headers["x-content-type-options"]) == ("no-store", "nosniff")


def test_a_table_is_documented_as_the_body(app: FastAPI) -> None:
    content = app.openapi()["paths"]["/tables"]["post"]["requestBody"]["content"]
    assert "text/csv" in content
    assert len(content) == 2


@pytest.mark.parametrize("text", ["0", "-1", "2147483648", "x", ""])
def test_a_cursor_of_rows_is_a_positive_number(text: str) -> None:
    assert row_number("7") == 7
    with pytest.raises(ValueError):
        row_number(text)
