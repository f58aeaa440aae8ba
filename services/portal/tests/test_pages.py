"""The built pages over HTTP: headers, caching, and which addresses are pages."""

from collections.abc import AsyncIterator
from pathlib import Path

import httpx
import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse
from starlette.routing import Mount

from portal.pages.serving import CSP, PagesApp
from servicekit.problems import NotFound

NAVIGATION = {"accept": "text/html,*/*;q=0.8", "sec-fetch-mode": "navigate"}
SCRIPT = "/* a script */" * 200


async def not_found(_: Request, __: Exception) -> PlainTextResponse:
    return PlainTextResponse("", 404)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A build, and a file beside it that nobody may see."""
    dist = tmp_path / "dist"
    (dist / "assets").mkdir(parents=True)
    (dist / ".vite").mkdir()
    (dist / "index.html").write_text("<!doctype html>the page")
    (dist / "assets" / "index-Ab12.js").write_text(SCRIPT)
    (dist / ".vite" / "manifest.json").write_text("{}")
    (tmp_path / "secret.txt").write_text("secret")
    (dist / "link.txt").symlink_to(tmp_path / "secret.txt")
    return dist


@pytest.fixture
async def browser(folder: Path) -> AsyncIterator[httpx.AsyncClient]:
    app = Starlette(
        routes=[Mount("", app=PagesApp(folder))],
        exception_handlers={NotFound: not_found},
    )
    transport = httpx.ASGITransport(app)
    async with httpx.AsyncClient(transport=transport, base_url="http://portal.test") as http:
        yield http


@pytest.mark.parametrize("path", ["/", "/notices/0192f0c1", "/tasks?view=done", "/index.html"])
async def test_every_address_of_a_page_is_the_page_and_is_asked_for_each_time(
    browser: httpx.AsyncClient, path: str
) -> None:
    answer = await browser.get(path, headers=NAVIGATION)
    assert (answer.status_code, answer.text) == (200, "<!doctype html>the page")
    assert answer.headers["cache-control"] == "no-cache"
    again = await browser.get(path, headers={**NAVIGATION, "if-none-match": answer.headers["etag"]})
    assert (again.status_code, again.content) == (304, b"")


async def test_the_policy_allows_nothing_inline_and_nothing_from_elsewhere(
    browser: httpx.AsyncClient,
) -> None:
    answer = await browser.get("/", headers=NAVIGATION)
    assert answer.headers["content-security-policy"] == CSP
    assert "unsafe" not in CSP
    assert "http" not in CSP
    assert "default-src 'none'" in CSP


async def test_files_with_a_digest_in_their_name_are_kept_for_ever_and_sent_compressed(
    browser: httpx.AsyncClient,
) -> None:
    answer = await browser.get("/assets/index-Ab12.js", headers={"accept-encoding": "gzip"})
    assert (answer.status_code, answer.text) == (200, SCRIPT)
    assert answer.headers["cache-control"] == "public, max-age=31536000, immutable"
    assert answer.headers["content-encoding"] == "gzip"
    assert "javascript" in answer.headers["content-type"]
    plain = await browser.get("/assets/index-Ab12.js", headers={"accept-encoding": "identity"})
    assert "content-encoding" not in plain.headers
    assert plain.text == SCRIPT


@pytest.mark.parametrize(
    ("path", "headers"),
    [
        ("/assets/gone-Cd34.js", NAVIGATION),
        ("/notices/1", {"accept": "application/json"}),
        ("/notices/1", {"accept": "text/html", "sec-fetch-mode": "cors"}),
        ("/.vite/manifest.json", NAVIGATION),
        ("/link.txt", NAVIGATION),
        ("/%2e%2e/secret.txt", NAVIGATION),
        ("/assets/..%2f..%2f..%2fsecret.txt", NAVIGATION),
    ],
)
async def test_what_is_no_page_and_no_file_of_the_build_is_not_found(
    browser: httpx.AsyncClient, path: str, headers: dict[str, str]
) -> None:
    answer = await browser.get(path, headers=headers)
    assert answer.status_code == 404
    assert "secret" not in answer.text


async def test_the_first_page_is_there_for_every_program(browser: httpx.AsyncClient) -> None:
    assert (await browser.get("/")).status_code == 200


async def test_a_page_is_only_read(browser: httpx.AsyncClient) -> None:
    assert (await browser.post("/", headers=NAVIGATION)).status_code == 404


async def test_without_a_build_people_are_told(browser: httpx.AsyncClient, folder: Path) -> None:
    (folder / "index.html").unlink()
    answer = await browser.get("/", headers=NAVIGATION)
    assert (answer.status_code, answer.headers["retry-after"]) == (503, "5")
    assert "页面尚未生成" in answer.text
