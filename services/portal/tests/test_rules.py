"""Rules of the portal: addresses to return to, what is passed on, how long sessions last."""

from datetime import UTC, datetime, timedelta
from urllib.parse import urljoin, urlsplit

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from pydantic import AnyHttpUrl, SecretStr, ValidationError

from portal.app import listed_routes
from portal.proxying.rules import Routes, challenge, private, public
from portal.sessions import rules as lifetimes
from portal.settings import Settings
from portal.signing_in.rules import failure, local

NOW = datetime(2026, 3, 2, 1, 0, tzinfo=UTC)
ORIGIN = "https://gz.example.org"


@given(st.text(alphabet=st.sampled_from("/\\.:@?#%a0\t\r\n j中&=")) | st.text())
@example("//evil.example")
@example("/\\evil.example")
@example("https://evil.example/")
@example("javascript:alert(1)")
@example("/a\r\nX: y")
@example("/\t/evil.example")
@example("/bff/logout")
@example("/bff")
@example("/.//evil.example")
@example("/tasks/../bff/login")
@example("/%2E%2e/bff/login")
@example("/\x0c/evil.example")
@example("https:evil.example")
@example("//user@evil.example")
@example("/@evil.example")
@example("%2f%2fevil.example")
@example("/" + "a" * 2001)
@example("/api/identity/v1/me")
def test_nobody_is_sent_to_another_site(address: str) -> None:
    found = local(address)
    assert found in (address, "/")
    assert urlsplit(urljoin(ORIGIN, found))[:2] == ("https", "gz.example.org")
    assert found.isprintable()
    assert len(found) <= 2001
    path = urlsplit(urljoin(ORIGIN, found)).path
    assert not path.startswith(("//", "/\\", "/bff/", "/api/"))
    assert path not in ("/bff", "/api")


def test_pages_of_the_portal_are_returned_to() -> None:
    assert local("/notices?page=2#top") == "/notices?page=2#top"
    assert local(None) == "/"
    assert failure("denied", "/tasks?a=b&c") == "/sign-in?error=denied&return_to=%2Ftasks%3Fa%3Db%26c"


ROUTES = Routes(
    {"office": {"/api/v1/notices/{notice_id}": ["GET"], "/api/v1/notices/inbox": ["GET", "POST"]}}
)


@pytest.mark.parametrize(
    ("service", "path", "method", "listed"),
    [
        ("office", "/api/v1/notices/01930000-0000-7000-8000-0000000000aa", "GET", True),
        ("office", "/api/v1/notices/inbox", "POST", True),
        ("office", "/api/v1/notices/other", "POST", False),
        ("office", "/api/v1/notices/a/b", "GET", False),
        ("office", "/api/v1/notices/", "GET", False),
        ("office", "/api/v1/notices/..", "GET", False),
        ("office", "/api/v1/notices/%2e%2e", "GET", False),
        ("office", "/api/v1/notices/a%2Fb", "GET", False),
        ("office", "/api/v1/notices/a%5cb", "GET", False),
        ("office", "/api/v1/notices/%252e%252e", "GET", False),
        ("office", "/api/v1/notices/a%252Fb", "GET", False),
        ("office", "/api/v1/notices/%25252fb", "GET", False),
        ("office", "/api/v1/notices/a%0d%0ab", "GET", False),
        ("office", "/api/v1/notices/a%ZZ", "GET", False),
        ("office", "/api/v1/notices/a%", "GET", False),
        ("office", "/api/v1/notices/a?b", "GET", False),
        ("office", "/api/v1/notices/a#b", "GET", False),
        ("office", "/api/v1//inbox", "GET", False),
        ("identity", "/api/v1/notices/inbox", "GET", False),
        ("office", "/metrics", "GET", False),
    ],
)
def test_only_listed_operations_are_passed_on(service: str, path: str, method: str, listed: bool) -> None:
    assert (ROUTES.find(service, path, method) is not None) == listed


@given(st.text(max_size=40), st.sampled_from(["GET", "POST", "DELETE", "TRACE"]))
def test_a_path_that_is_passed_on_stays_as_it_is(tail: str, method: str) -> None:
    path = f"/api/v1/notices/{tail}"
    found = ROUTES.find("office", path, method)
    if found is not None:
        assert found.path == path
        assert urlsplit(urljoin("http://office:8002", found.path)).path == path, "no client resolves it"


def test_what_only_machines_call_is_not_listed() -> None:
    routes = listed_routes()
    assert routes.find("identity", "/api/v1/me", "GET") is not None
    assert routes.find("identity", "/api/v1/snapshot/people", "GET") is None
    assert routes.find("cockpit", "/api/v1/intake/pushes", "POST") is None
    assert routes.find("cockpit", "/api/v1/intake/pushes/1", "GET") is None
    assert routes.find("cockpit", "/api/v1/intake/push-grants", "GET") is not None
    assert routes.find("identity", "/token", "POST") is None
    assert routes.find("identity", "/introspect", "POST") is None


def test_a_challenge_names_the_requirements() -> None:
    header = (
        'Bearer realm="zhuxue", error="insufficient_user_authentication", '
        'error_description="A different authentication level is required", '
        'acr_values="urn:zhuxue:acr:mfa", max_age="300"'
    )
    assert challenge(header) == {"acr_values": "urn:zhuxue:acr:mfa", "max_age": "300"}
    assert challenge('Bearer error="invalid_token"') is None
    assert challenge("") is None


def test_an_address_of_a_service_becomes_one_of_the_portal() -> None:
    assert public("/api/v1/files/1", "office") == "/api/office/v1/files/1"
    assert public("https://store.example.org/1", "office") == "https://store.example.org/1"


@pytest.mark.parametrize(
    ("given", "kept"),
    [
        (None, "no-store"),
        ("", "no-store"),
        ("public, max-age=3600", "private, max-age=3600"),
        ("max-age=60, S-MaxAge=600", "private, max-age=60"),
        ("private, no-cache", "private, no-cache"),
        ('private="x", max-age=5', "private, max-age=5"),
        ("private, no-store", "no-store"),
    ],
)
def test_no_cache_of_several_people_keeps_an_answer(given: str | None, kept: str) -> None:
    assert private(given) == kept


@given(st.timedeltas(timedelta(0), timedelta(days=2)))
def test_a_session_never_outlives_its_absolute_end(after: timedelta) -> None:
    ends = NOW + timedelta(hours=12)
    assert lifetimes.expiry(NOW + after, ends, timedelta(hours=2)) == min(
        NOW + after + timedelta(hours=2), ends
    )


def test_a_token_near_its_end_is_renewed() -> None:
    assert lifetimes.usable(NOW + timedelta(seconds=21), NOW)
    assert not lifetimes.usable(NOW + timedelta(seconds=20), NOW)
    assert lifetimes.used_again(NOW + timedelta(minutes=1), NOW)
    assert not lifetimes.used_again(NOW + timedelta(seconds=59), NOW)


def test_two_keys_of_one_version_are_refused() -> None:
    """They could not be told apart: the second one would encrypt."""
    url = AnyHttpUrl("http://127.0.0.1:1")
    with pytest.raises(ValidationError, match="different versions"):
        Settings(
            mode="dev",
            issuer="http://127.0.0.1:1",
            public_url=url,
            database_url="postgresql+asyncpg://portal@127.0.0.1/portal",
            identity_url=url,
            office_url=url,
            cockpit_url=url,
            client_key=SecretStr("5b" * 32),
            encryption_key=SecretStr("e1" * 32),
            other_encryption_key=SecretStr("e2" * 32),
        )
