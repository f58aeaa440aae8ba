"""Types of what Identity's tests pass around."""

from typing import Any, Protocol, TypedDict

import httpx

JsonObject = dict[str, Any]
"""Claims, metadata, forms and documents: the RFCs decide which values a name has, and tests compare them."""

Credentials = tuple[str, str]
"""A client's id and secret, as HTTP Basic authentication takes them."""

Headers = dict[str, str]


class Form(TypedDict, total=False):
    """Parameters of a request that a test passes on as keywords, beside `auth` and `headers`."""

    resource: str
    audience: str
    scope: str
    client_id: str
    client_secret: str
    code: str
    code_verifier: str
    actor_token: str
    actor_token_type: str
    subject_token_type: str
    requested_token_type: str


class Caller(Protocol):
    """Whoever sends requests to the issuer, such as a browser."""

    @property
    def http(self) -> httpx.AsyncClient: ...
