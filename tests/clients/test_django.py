"""Django with mozilla-django-oidc and django-allauth, as in the guide, at the real issuer."""

import os
import secrets
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import httpx
import pytest

from testkit.backends import UnavailableError
from testkit.backends.base import wait_until_ready
from testkit.backends.process import PrivateProcess, free_port
from testkit.pages import hidden_fields

from .conftest import PATIENCE, Browser, Issuer, blocks, changed, param

PROJECT = Path(__file__).parent / "django"
FILES = ("settings", "signin", "urls")
# Of what the guide's lines are added to.
BEFORE = {"settings": "from base import *\n", "signin": "", "urls": "from pages import urlpatterns\n"}
CALLBACKS = {
    "mozilla-django-oidc": "/oidc/callback/",
    "django-allauth": "/accounts/oidc/zhuxue/login/callback/",
}


def example(library: str) -> dict[str, str]:
    """The guide's files for the library, by name."""
    found = blocks("python3")
    assert [text.splitlines()[0] for text in found] == [f"# {name}.py" for name in FILES] * len(CALLBACKS)
    first = list(CALLBACKS).index(library) * len(FILES)
    return dict(zip(FILES, found[first : first + len(FILES)], strict=True))


@dataclass
class Site:
    """A Django site."""

    url: str
    issuer: Issuer
    process: PrivateProcess

    def to_issuer(self, browser: Browser) -> str:
        """Where a browser that nobody is signed in with is sent from the page."""
        sign_in = self.url + browser.http.get(f"{self.url}/").headers["location"]
        at_issuer = browser.http.get(sign_in).headers["location"]
        assert at_issuer.startswith(f"{self.issuer.url}/authorize?")
        assert param(at_issuer, "code_challenge_method") == "S256"
        return str(at_issuer)


@pytest.fixture(scope="module", params=CALLBACKS)
def site(
    issuer: Issuer, tmp_path_factory: pytest.TempPathFactory, request: pytest.FixtureRequest
) -> Iterator[Site]:
    root, port = tmp_path_factory.mktemp("django"), free_port()
    url = f"http://localhost:{port}"
    for name, text in example(request.param).items():
        (root / f"{name}.py").write_text(BEFORE[name] + text, encoding="utf-8")
    client = issuer.register(
        redirect_uris=[url + CALLBACKS[request.param]], post_logout_redirect_uris=[f"{url}/signed-out"]
    )
    values = {
        "ISSUER": issuer.url,
        "CLIENT_ID": client["client_id"],
        "CLIENT_SECRET": client["client_secret"],
        "SESSION_SECRET": secrets.token_hex(32),
        "SQLITE": str(root / "db"),
        "DJANGO_SETTINGS_MODULE": "settings",
        "PYTHONPATH": str(root),
    }
    process = PrivateProcess(
        [sys.executable, str(PROJECT / "serve.py"), str(port)],
        log=root / "log",
        directories=[],
        env=os.environ | values,
    )

    def ready() -> None:
        try:
            httpx.get(f"{url}/signed-out", timeout=2).raise_for_status()
        except httpx.HTTPError as error:
            raise UnavailableError(str(error)) from error

    try:
        wait_until_ready(ready, process.alive, PATIENCE, process.tail)
        yield Site(url, issuer, process)
    finally:
        process.stop()


def test_a_person_signs_in_and_out(site: Site) -> None:
    browser = site.issuer.browser()
    page = browser.http.get(browser.callback(site.to_issuer(browser)), follow_redirects=True)
    assert (page.status_code, str(page.url)) == (200, f"{site.url}/"), page.text + str(site.process.tail())
    name = page.text.partition('id="who">')[2].partition("<")[0]
    assert name
    assert "@" not in name
    action = page.text.partition('action="')[2].partition('"')[0]
    answer = browser.http.post(site.url + action, data=hidden_fields(page.text))
    assert answer.status_code == 302, answer.text + str(site.process.tail())
    out = answer.headers["location"]
    assert out.startswith(f"{site.issuer.url}/end_session?")
    assert browser.callback(out) == f"{site.url}/signed-out"
    # The issuer asks only if the library has kept no ID token.
    assert (browser.pages[-1] == "/end_session/confirm") == ("id_token_hint=" not in out)
    # Neither the site nor the issuer knows the person any more.
    assert browser.http.get(site.to_issuer(browser)).headers["location"].startswith("/login")


def test_a_refusal_and_an_answer_for_another_browser_are_shown_and_let_nobody_in(site: Site) -> None:
    browser = site.issuer.browser()
    browser.decision = "deny"
    refused = browser.callback(site.to_issuer(browser))
    assert param(refused, "error") == "access_denied"
    page = browser.http.get(refused)
    assert (page.status_code, "登录未完成" in page.text) == (403, True), page.text
    browser.decision = "allow"
    other = browser.http.get(changed(browser.callback(site.to_issuer(browser)), state="another"))
    assert other.status_code in {400, 403}, other.text
    # Nobody is signed in, and another attempt succeeds.
    page = browser.http.get(browser.callback(site.to_issuer(browser)), follow_redirects=True)
    assert (page.status_code, 'id="who"' in page.text) == (200, True), page.text


@pytest.mark.parametrize("site", ["mozilla-django-oidc"], indirect=True)
def test_rfc9207_an_answer_of_another_issuer_lets_nobody_in(site: Site) -> None:
    browser = site.issuer.browser()
    callback = browser.callback(site.to_issuer(browser))
    for answer in (
        changed(callback, iss="https://id.example.com"),
        str(httpx.URL(callback).copy_remove_param("iss")),
    ):
        assert browser.http.get(answer).status_code == 403
    # The code has not been sent anywhere.
    assert browser.http.get(callback).headers["location"] == "/"
