"""Express with express-openid-connect, as the guide's example has it, at the real issuer."""

import os
import secrets
import shutil
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from testkit.backends import UnavailableError
from testkit.backends import node as node_backend
from testkit.backends.base import wait_until_ready
from testkit.backends.process import PrivateProcess, free_port, make_directory

from .conftest import PACKAGE, PATIENCE, Browser, Issuer, blocks, changed


@pytest.fixture(scope="module")
def site(issuer: Issuer, node_program: Path) -> Iterator[str]:
    """The example in a process of its own; its address."""
    node_backend.install_package(node_program, PACKAGE)
    (code,) = blocks("mjs")
    root, port = make_directory("zhuxue-express-"), free_port()
    (root / "example.mjs").write_text(code, encoding="utf-8")
    (root / "node_modules").symlink_to(PACKAGE / "node_modules")
    url = f"http://localhost:{port}"
    client = issuer.register(
        redirect_uris=[f"{url}/callback"], post_logout_redirect_uris=[f"{url}/signed-out"]
    )
    values = {
        "ISSUER": issuer.url,
        "CLIENT_ID": client["client_id"],
        "CLIENT_SECRET": client["client_secret"],
        "BASE_URL": url,
        "SESSION_SECRET": secrets.token_hex(32),
        "PORT": str(port),
    }
    process = PrivateProcess(
        [str(node_program), str(root / "example.mjs")],
        log=root / "log",
        directories=[],
        env=os.environ | values,
    )

    def ready() -> None:
        try:
            httpx.get(f"http://127.0.0.1:{port}/signed-out", timeout=2).raise_for_status()
        except httpx.HTTPError as error:
            raise UnavailableError(str(error)) from error

    try:
        wait_until_ready(ready, process.alive, PATIENCE, process.tail)
        yield url
    finally:
        process.stop()
        shutil.rmtree(root, ignore_errors=True)


def returned(site: str, issuer: Issuer, browser: Browser, **changes: str) -> httpx.Response:
    """What the site shows to a browser that comes back from the issuer."""
    at_issuer = browser.http.get(f"{site}/").headers["location"]
    assert at_issuer.startswith(f"{issuer.url}/authorize?")
    callback = browser.callback(at_issuer)
    return browser.http.get(changed(callback, **changes), follow_redirects=True)


def test_a_person_signs_in_and_out(site: str, issuer: Issuer) -> None:
    browser = issuer.browser()
    page = returned(site, issuer, browser)
    assert page.status_code == 200, page.text
    assert page.json()["name"]
    out = browser.http.get(f"{site}/logout").headers["location"]
    assert out.startswith(f"{issuer.url}/end_session?")
    assert browser.callback(out) == f"{site}/signed-out"
    # Neither the site nor the issuer knows the person any more.
    again = browser.http.get(f"{site}/").headers["location"]
    assert browser.http.get(again).headers["location"].startswith("/login")


def test_an_answer_that_is_not_for_this_browser_lets_nobody_in(site: str, issuer: Issuer) -> None:
    browser = issuer.browser()
    page = returned(site, issuer, browser, state="another")
    assert (page.status_code, "登录未完成" in page.text) == (400, True)
    assert "location" in browser.http.get(f"{site}/").headers
