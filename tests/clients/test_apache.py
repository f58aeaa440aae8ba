"""Apache with mod_auth_openidc, configured by the guide's example, as a relying party of the real issuer."""

import re
import secrets
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import quote

import httpx
import pytest

from testkit.backends import apache
from testkit.backends.process import free_port, make_directory

from .conftest import PATIENCE, Browser, Issuer, blocks, changed, param

EXAMPLE, RENEWING = blocks("apache")
# What lets the test see in; the guide's lines stand as they are.
WATCH = """
OIDCInfoHook access_token refresh_token session
Header always set X-Remote-User "expr=%{REMOTE_USER}"
Header always set X-Name "expr=%{req:OIDC_CLAIM_name}"
Header always set X-Email "expr=%{req:OIDC_CLAIM_email}"
"""


@dataclass
class Site:
    """What Apache guards."""

    url: str
    errors: Path

    def tokens(self, browser: Browser) -> dict[str, Any]:
        """What mod_auth_openidc keeps for the browser's session; empty without one."""
        answer = browser.http.get(f"{self.url}/oidc/callback", params={"info": "json"})
        return dict(answer.json()) if answer.status_code == 200 else {}

    def open_to(self, browser: Browser) -> bool:
        """Whether the guarded page is shown at once, without a way to the issuer."""
        return browser.http.get(f"{self.url}/").status_code == 200


@pytest.fixture
def site(issuer: Issuer, apache_program: Path, request: pytest.FixtureRequest) -> Iterator[Site]:
    """The guide's configuration with our names and addresses; the parameter is what stands after it."""
    port = free_port()
    url = f"http://localhost:{port}"
    client = issuer.register(
        redirect_uris=[f"{url}/oidc/callback"],
        post_logout_redirect_uris=[f"{url}/bye.html"],
        backchannel_logout_uri=f"{url}/oidc/callback?logout=backchannel",
        grant_types=["authorization_code", "refresh_token"],
        scopes=["openid", "profile", "offline_access"],
    )
    config = EXAMPLE + getattr(request, "param", "")
    for placeholder, value in {
        "https://id.example.cn": issuer.url,
        "https://rp.example.cn": url,
        "<client_id>": client["client_id"],
        "<client_secret>": client["client_secret"],
        "<32 random characters>": secrets.token_hex(16),
    }.items():
        assert placeholder in config
        config = config.replace(placeholder, value)
    root = make_directory("zhuxue-apache-")
    process = apache.serve(apache_program, root, port, [*config.splitlines(), *WATCH.splitlines()])
    try:
        (root / "htdocs" / "index.html").write_text("guarded")
        yield Site(url, root / "error.log")
    finally:
        process.stop()


def signed_in(site: Site, issuer: Issuer) -> tuple[Browser, httpx.Response]:
    """Somebody who wanted the guarded page, and what they got."""
    browser = issuer.browser()
    at_issuer = browser.http.get(f"{site.url}/").headers["location"]
    assert at_issuer.startswith(f"{issuer.url}/authorize?")
    assert param(at_issuer, "code_challenge_method") == "S256"
    page = browser.http.get(browser.callback(at_issuer), follow_redirects=True)
    assert (page.status_code, page.text) == (200, "guarded"), site.errors.read_text()
    return browser, page


def test_a_person_gets_to_the_guarded_page_and_the_application_knows_who_it_is(
    site: Site, issuer: Issuer
) -> None:
    browser, page = signed_in(site, issuer)
    # `sub` alone, without the issuer behind it.
    assert re.fullmatch(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", page.headers["x-remote-user"])
    assert page.headers["x-name"]
    # A browser cannot tell the application claims of its own.
    assert browser.http.get(f"{site.url}/", headers={"OIDC_CLAIM_email": "me"}).headers["x-email"] in "(null)"


@pytest.mark.parametrize("change", [{"state": "another"}, {"iss": "https://id.example.com"}])
def test_an_answer_that_is_not_for_this_browser_lets_nobody_in(
    site: Site, issuer: Issuer, change: dict[str, str]
) -> None:
    browser = issuer.browser()
    callback = browser.callback(browser.http.get(f"{site.url}/").headers["location"])
    answer = browser.http.get(changed(callback, **change))
    # Its own page of an error, some of them with status 200.
    assert "location" not in answer.headers
    assert "guarded" not in answer.text
    assert not site.open_to(browser)


@pytest.mark.parametrize(
    "site", [RENEWING.replace("BeforeExpiry 60", "BeforeExpiry 600")], indirect=True, ids=["at every request"]
)
def test_tokens_are_renewed_before_they_expire(site: Site, issuer: Issuer) -> None:
    browser, _ = signed_in(site, issuer)
    first = site.tokens(browser)
    assert site.open_to(browser)
    second = site.tokens(browser)
    assert second["access_token"] != first["access_token"]
    assert second["refresh_token"] == first["refresh_token"]


def test_signing_out_ends_the_session_here_and_at_the_issuer(site: Site, issuer: Issuer) -> None:
    browser, _ = signed_in(site, issuer)
    (site.errors.parent / "htdocs" / "bye.html").write_text("bye")
    out = browser.http.get(f"{site.url}/oidc/callback?logout={quote(f'{site.url}/bye.html', safe='')}")
    assert out.headers["location"].startswith(f"{issuer.url}/end_session?")
    assert browser.callback(out.headers["location"]) == f"{site.url}/bye.html"
    assert not site.open_to(browser)
    at_issuer = browser.http.get(f"{site.url}/").headers["location"]
    assert browser.http.get(at_issuer).headers["location"].startswith("/login")


def test_signing_out_at_the_issuer_ends_the_session_here(site: Site, issuer: Issuer) -> None:
    browser, _ = signed_in(site, issuer)
    other, _ = signed_in(site, issuer)
    browser.visit(f"{issuer.url}/end_session")
    # The issuer tells Apache a moment later.
    deadline = time.monotonic() + PATIENCE
    while site.open_to(browser):
        assert time.monotonic() < deadline, site.errors.read_text()
        time.sleep(0.1)
    assert site.open_to(other)
