"""Requests in Authlib's interface, and replies of the protocol core."""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from authlib.oauth2.rfc6749 import OAuth2Payload, OAuth2Request
from pydantic_core import to_json
from starlette.responses import Response

Pairs = Sequence[tuple[str, str]]


@dataclass
class Reply:
    """Reply of the protocol core. Extensions can change `location` (RFC 9207 adds `iss`)."""

    status: int
    body: Any
    headers: dict[str, str] = field(default_factory=dict)

    @property
    def location(self) -> str | None:
        """The redirect target, if any."""
        return self.headers.get("Location")

    @location.setter
    def location(self, value: str) -> None:
        self.headers["Location"] = value

    def response(self) -> Response:
        """Convert to a Starlette response, never cached (RFC 6749 §5.1)."""
        headers = {**self.headers, "Cache-Control": "no-store", "Pragma": "no-cache"}
        headers.pop("Content-Type", None)
        if self.location is not None:
            # Not a RedirectResponse, which quotes again what the client registered.
            return Response(status_code=303, headers=headers)
        return Response(to_json(self.body or {}), self.status, headers, "application/json")


class Payload(OAuth2Payload):  # type: ignore[misc]
    """Parameters of a request, including repeated ones."""

    def __init__(self, pairs: Pairs) -> None:
        self._lists: defaultdict[str, list[str]] = defaultdict(list)
        for name, value in pairs:
            # RFC 6749 §3.1: a parameter without a value is treated as omitted.
            if value:
                self._lists[name].append(value)
        self._data: dict[str, str] | None = None

    @property
    def data(self) -> dict[str, str]:
        """First value of each parameter."""
        if self._data is None:
            self._data = {name: values[0] for name, values in self._lists.items()}
        return self._data

    def put(self, name: str, value: str) -> None:
        """Set a parameter to one value."""
        self._lists[name] = [value]
        self._data = None

    @property
    def datalist(self) -> defaultdict[str, list[str]]:
        """All values of each parameter."""
        return self._lists


class Request(OAuth2Request):  # type: ignore[misc]
    """A request with a parsed form."""

    def __init__(
        self, method: str, uri: str, headers: dict[str, str], *, query: Pairs = (), form: Pairs = ()
    ) -> None:
        # Authlib's constructor only refuses addresses without TLS besides, anew with each request; the
        # settings have done that.
        self.method, self.uri = method, uri
        # Authlib looks up headers in title case.
        self.headers = {name.title(): value for name, value in headers.items()}
        self.client: Any = None
        self.auth_method = self.user = self.credential = None
        self.authorization_code = self.refresh_token = None
        self._body = self._scope = None
        self._args = Payload(query)
        self._posted = Payload(form)
        self.payload = self._posted if form and not query else Payload([*query, *form])

    @property
    def args(self) -> dict[str, str]:
        """Query parameters."""
        return self._args.data

    @property
    def form(self) -> dict[str, str]:
        """Body parameters."""
        return self._posted.data
