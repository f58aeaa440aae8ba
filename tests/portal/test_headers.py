"""The headers of every kind of answer that a browser gets from the portal itself."""

import functools
from collections.abc import AsyncIterator
from pathlib import Path

import httpx
import pytest
from pydantic import AnyHttpUrl, SecretStr

import portal.app
from portal.base import MIGRATIONS
from portal.settings import Settings
from servicekit.migrations import upgrade
from testkit.plugin import DatabaseFactory

ORIGIN = "https://gz.example.org"
PAGE = {"accept": "text/html", "sec-fetch-mode": "navigate"}
CALL = {"x-csrf": "1", "sec-fetch-site": "same-origin", "origin": ORIGIN}
FOR_EVER = "public, max-age=31536000, immutable"
KINDS = [
    ("GET", "/", PAGE, 200, "no-cache"),
    ("GET", "/notices/1", PAGE, 200, "no-cache"),
    ("GET", "/index.html", {}, 200, "no-cache"),
    ("GET", "/assets/index-Ab12.js", {}, 200, FOR_EVER),
    ("GET", "/assets/index-gone.js", {}, 404, "no-store"),
    ("GET", "/design/mark.svg", {}, 200, "no-cache"),
    ("GET", "/design/none.svg", {}, 404, "no-cache"),
    ("GET", "/nowhere", {}, 404, "no-store"),
    ("POST", "/notices/1", PAGE, 404, "no-store"),
    # The reference of the API has inline scripts: here it is an address as any other.
    ("GET", "/docs", PAGE, 200, "no-cache"),
    ("GET", "/docs/assets/swagger-ui-bundle.js", {}, 404, "no-store"),
    ("GET", "/openapi.json", {}, 200, "no-store"),
    ("GET", "/bff/site", CALL, 200, "no-store"),
    ("GET", "/bff/site", {}, 403, "no-store"),
    ("GET", "/bff/session", CALL, 401, "no-store"),
    ("DELETE", "/bff/session", CALL, 404, "no-store"),
    ("GET", "/bff/nowhere", CALL, 404, "no-store"),
    ("GET", "/bff/login", PAGE, 503, "no-store"),
    ("GET", "/bff/login?max_age=x", PAGE, 422, "no-store"),
    ("GET", "/bff/callback?state=x", PAGE, 303, "no-store"),
    ("POST", "/bff/backchannel-logout", {}, 422, "no-store"),
    ("GET", "/api/identity/v1/me", CALL, 401, "no-store"),
    ("GET", "/api/identity/v1/me", {}, 403, "no-store"),
    ("GET", "/api/nowhere/v1/me", CALL, 404, "no-store"),
]


@pytest.fixture
async def production(database_factory: DatabaseFactory, tmp_path: Path) -> AsyncIterator[httpx.AsyncClient]:
    """The portal as it runs in production, with a small build; it reaches no service."""
    (tmp_path / "assets").mkdir()
    (tmp_path / "index.html").write_text("<!doctype html>the page")
    (tmp_path / "assets" / "index-Ab12.js").write_text("0")
    nowhere = AnyHttpUrl("http://127.0.0.1:1")
    settings = Settings(
        mode="production",
        issuer="https://id.example.org",
        public_url=AnyHttpUrl(ORIGIN),
        database_url=await database_factory("portal", functools.partial(upgrade, MIGRATIONS)),
        identity_url=nowhere,
        office_url=nowhere,
        cockpit_url=nowhere,
        client_key=SecretStr("5b" * 32),
        encryption_key=SecretStr("e1" * 32),
        pages_dir=tmp_path,
    )
    app = portal.app.build(settings)
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url=ORIGIN) as http:
        yield http
    await app.state.database.close()


async def test_every_answer_has_a_strict_policy_and_says_who_may_keep_it(
    production: httpx.AsyncClient,
) -> None:
    for method, path, headers, status, cached in KINDS:
        answer = await production.request(method, path, headers=headers)
        assert (answer.status_code, answer.headers["cache-control"]) == (status, cached), (method, path)
        policy = answer.headers["content-security-policy"]
        assert "default-src 'none'" in policy, path
        assert "frame-ancestors 'none'" in policy, path
        assert "unsafe" not in policy, path
        assert answer.headers["x-content-type-options"] == "nosniff", path
        assert answer.headers["x-frame-options"] == "DENY", path
        assert answer.headers["referrer-policy"] == "same-origin", path
        assert "access-control-allow-origin" not in answer.headers, path
        assert "server" not in answer.headers, path
        if status == 200 and cached == "no-cache":
            again = {**headers, "if-none-match": answer.headers["etag"]}
            assert (await production.request(method, path, headers=again)).status_code == 304, path


@pytest.mark.parametrize(
    "sent",
    [
        # A form of another site: simple types and the cookies that `SameSite` would let through.
        {"content-type": "application/x-www-form-urlencoded", "origin": "https://evil.example"},
        {"content-type": "multipart/form-data; boundary=x", "origin": "https://evil.example"},
        {"content-type": "text/plain", "origin": "https://evil.example", "sec-fetch-site": "cross-site"},
        # An old browser that says nothing of where it is.
        {"content-type": "text/plain"},
        {"x-csrf": "1", "origin": "https://evil.example", "sec-fetch-site": "cross-site"},
        {"x-csrf": "1", "origin": "https://evil.gz.example.org", "sec-fetch-site": "same-site"},
        {"x-csrf": "1", "origin": f"{ORIGIN}.evil.example"},
        {"x-csrf": "1", "origin": "http://gz.example.org"},
        {"x-csrf": "1", "origin": f"{ORIGIN}:8443"},
        {"x-csrf": "1, 1"},
        {"x-csrf": "true"},
    ],
    ids=str,
)
async def test_another_site_does_nothing_here(sent: dict[str, str], production: httpx.AsyncClient) -> None:
    for method, path in (
        ("POST", "/bff/logout"),
        ("DELETE", "/bff/sessions"),
        ("POST", "/api/office/v1/notices"),
        ("GET", "/api/office/v1/tasks/stream"),
    ):
        answer = await production.request(method, path, headers=sent, content=b"a=b")
        assert (answer.status_code, answer.json()["code"]) == (403, "cross_site"), path
    # Nor may it ask whether it may.
    asking = {"access-control-request-method": "POST", "access-control-request-headers": "x-csrf"}
    answer = await production.options("/bff/logout", headers={"origin": sent.get("origin", "null"), **asking})
    assert answer.status_code in {404, 405}
    assert not [name for name in answer.headers if name.startswith("access-control-")]
