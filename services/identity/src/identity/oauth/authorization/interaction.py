"""State between an authorization request and its response, kept in a signed marker in the issuer's own URL.

The person is redirected to sign in, choose an account or consent, and returns to `/authorize` with the
client's parameters and the marker. The marker contains the time of the redirect and the session at that time,
so that only a sign-in after the request satisfies `prompt=login`: returning without signing in keeps the old
session, which is not sufficient. The marker is bound to the exact parameters and to this browser (a cookie),
so that neither a client nor another browser can supply a marker.
"""

import base64
import binascii
import json
import secrets
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from urllib.parse import parse_qsl, urlencode, urlsplit

from identity.pages.rendering import origin_of
from identity.sessions.models import BrowserSession
from identity.vault import Vault
from servicekit.clock import Clock

PARAM = "interaction"
_PURPOSE = "interaction"
COOKIE = "zhuxue_flow"
LIFETIME = timedelta(minutes=15)
Pairs = Sequence[tuple[str, str]]


def session_tag(browser: BrowserSession | None) -> str:
    """Return a tag that changes with every sign-in of a browser, even into the same session, and reveals
    nothing.
    """
    return "" if browser is None else sha256(browser.secret_hash).hexdigest()[:16]


@dataclass(frozen=True)
class Marker:
    """State of an interaction."""

    digest: str
    at: int
    """Time of the redirect, in microseconds."""
    before: str
    """Tag of the session at that time."""
    consented: str = ""
    chosen: str = ""
    denied: bool = False
    origin: str = ""
    """Origin of the redirect URI; the URL of a pushed request does not contain it."""
    no_step_up: bool = False
    """The person declined to authenticate further."""

    @property
    def decided(self) -> bool:
        """Whether the person has answered a page of this request."""
        return bool(self.consented or self.chosen or self.denied or self.no_step_up)

    def fresh(self, browser: BrowserSession | None) -> bool:
        """Return whether the browser has signed in since the redirect; a step-up is not sufficient."""
        return (
            browser is not None
            and session_tag(browser) != self.before
            and browser.begun_at >= datetime.fromtimestamp(self.at // 1_000_000, UTC)
        )


class Interactions:
    """Reads and writes markers for one browser."""

    def __init__(self, vault: Vault, clock: Clock, cookie: str | None) -> None:
        self._vault = vault
        self._clock = clock
        self.cookie = cookie or secrets.token_urlsafe(24)
        self.new_cookie = not cookie

    def read(self, pairs: Pairs) -> tuple[list[tuple[str, str]], Marker | None]:
        """Return the client's own parameters, and the marker if it is valid for this browser."""
        sent = [(name, value) for name, value in pairs if name != PARAM]
        markers = [value for name, value in pairs if name == PARAM]
        if len(markers) != 1:
            return sent, None
        payload, _, mac = markers[0].partition(".")
        try:
            given = bytes.fromhex(mac)
        except ValueError:
            return sent, None
        if not self._vault.matches(_PURPOSE, self._bound(payload), given):
            return sent, None
        try:
            marker = Marker(**json.loads(base64.urlsafe_b64decode(payload)))
        except (ValueError, TypeError, binascii.Error):
            return sent, None
        age = self._now() - marker.at
        if marker.digest != _digest(sent) or not 0 <= age <= LIFETIME.total_seconds() * 1_000_000:
            return sent, None
        return sent, marker

    def begin(self, sent: Pairs, browser: BrowserSession | None, redirect_uri: str = "") -> Marker:
        """Return a marker with the current time."""
        origin = origin_of(redirect_uri)
        return Marker(_digest(sent), self._now(), session_tag(browser), origin=origin)

    def url(self, sent: Pairs, marker: Marker, **changes: str | bool) -> str:
        """Return the URL that the person returns to."""
        plain = json.dumps(asdict(replace(marker, **changes)), separators=(",", ":"))  # type: ignore[arg-type]
        payload = base64.urlsafe_b64encode(plain.encode()).decode()
        return "/authorize?" + urlencode([*sent, (PARAM, f"{payload}.{self._mac(payload)}")])

    def _mac(self, payload: str) -> str:
        return self._vault.index(_PURPOSE, self._bound(payload)).hex()

    def _bound(self, payload: str) -> str:
        return f"{self.cookie}\0{payload}"

    def _now(self) -> int:
        return int(self._clock.now().timestamp() * 1_000_000)


def pairs_of(return_to: str) -> list[tuple[str, str]]:
    """Return the parameters of a URL of this issuer."""
    return parse_qsl(urlsplit(return_to).query, keep_blank_values=True)


def client_of(return_to: str) -> str:
    """Return the unverified `client_id` of an authorization URL, or an empty string for other pages."""
    return dict(pairs_of(return_to)).get("client_id", "") if return_to.startswith("/authorize?") else ""


def client_origin(return_to: str) -> str:
    """Return the origin that an authorization URL finally redirects to, for the CSP of the sign-in page.

    The marker is not verified here, because it affects only the CSP; `/authorize` checks that the redirect
    URI is registered.
    """
    given = dict(pairs_of(return_to))
    try:
        marker = json.loads(base64.urlsafe_b64decode(given.get(PARAM, "").partition(".")[0]))
        return origin_of(marker["origin"])
    except (ValueError, TypeError, KeyError, AttributeError, RecursionError):
        return origin_of(given.get("redirect_uri", ""))


def _digest(sent: Pairs) -> str:
    return sha256(json.dumps(list(sent)).encode()).hexdigest()
