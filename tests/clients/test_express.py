"""Express with express-openid-connect and with Auth.js, as in the guide, at the real issuer."""

import os
import secrets
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
import pytest

from testkit.backends import UnavailableError
from testkit.backends import node as node_backend
from testkit.backends.base import wait_until_ready
from testkit.backends.process import PrivateProcess, free_port, make_directory
from testkit.pages import hidden_fields

from .conftest import PACKAGE, PATIENCE, Browser, Issuer, blocks, changed


@contextmanager
def served(code: str, callback: str, issuer: Issuer, node_program: Path) -> Iterator[str]:
    """An example in a process of its own; its address."""
    node_backend.install_package(node_program, PACKAGE)
    root, port = make_directory("zhuxue-express-"), free_port()
    (root / "example.mjs").write_text(code, encoding="utf-8")
    (root / "node_modules").symlink_to(PACKAGE / "node_modules")
    url = f"http://localhost:{port}"
    client = issuer.register(redirect_uris=[url + callback], post_logout_redirect_uris=[f"{url}/signed-out"])
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


@pytest.fixture(scope="module")
def site(issuer: Issuer, node_program: Path) -> Iterator[str]:
    """The example of express-openid-connect."""
    with served(blocks("mjs")[0], "/callback", issuer, node_program) as url:
        yield url


@pytest.fixture(scope="module")
def authjs(issuer: Issuer, node_program: Path) -> Iterator[str]:
    """The example of Auth.js."""
    with served(blocks("mjs")[1], "/auth/callback/zhuxue", issuer, node_program) as url:
        yield url


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


def signing_in(authjs: str, browser: Browser) -> httpx.Response:
    """The answer to the button of Auth.js that begins a sign-in."""
    page = browser.http.get(f"{authjs}/", follow_redirects=True)
    assert "https://" not in page.text
    return browser.http.post(f"{authjs}/auth/signin/zhuxue", data=hidden_fields(page.text))


def test_a_person_signs_in_and_out_with_authjs(authjs: str, issuer: Issuer) -> None:
    browser = issuer.browser()
    at_issuer = signing_in(authjs, browser).headers["location"]
    assert at_issuer.startswith(f"{issuer.url}/authorize?")
    page = browser.http.get(browser.callback(at_issuer), follow_redirects=True)
    assert page.status_code == 200, page.text
    assert page.json()["name"]
    asked = browser.http.get(authjs + page.json()["signOut"])
    out = browser.http.post(f"{authjs}/auth/signout", data=hidden_fields(asked.text)).headers["location"]
    assert out.startswith(f"{issuer.url}/end_session?")
    assert browser.callback(out) == f"{authjs}/signed-out"
    # Neither the site nor the issuer knows the person any more.
    assert browser.http.get(f"{authjs}/").headers["location"] == "/auth/signin"
    again = signing_in(authjs, browser).headers["location"]
    assert browser.http.get(again).headers["location"].startswith("/login")


def test_authjs_shows_a_refusal_and_an_answer_for_another_browser(authjs: str, issuer: Issuer) -> None:
    browser = issuer.browser()
    for decision, changes in (("deny", {}), ("allow", {"state": "another"})):
        browser.decision = decision
        callback = browser.callback(signing_in(authjs, browser).headers["location"])
        assert ("error=access_denied" in callback) == (decision == "deny")
        page = browser.http.get(changed(callback, **changes), follow_redirects=True)
        assert (page.status_code, "登录未完成" in page.text) == (403, True), page.text
    assert browser.http.get(f"{authjs}/").headers["location"] == "/auth/signin"
