"""Between the form of a client's registration and its metadata."""

import json
import re
from dataclasses import dataclass, fields, replace
from typing import Annotated, Any, Final

from fastapi import Depends, Form

from identity.clients.conversion import metadata_of
from identity.clients.errors import InvalidClientMetadata
from identity.clients.models import Client
from identity.clients.rules import MAX_URI_LENGTH, MAX_URIS, Metadata
from servicekit.text import unstorable

BOTH: Final = "client_secret_basic client_secret_post"
METHODS: Final = {
    "client_secret_basic": "密钥，以 HTTP Basic 提交",
    "client_secret_post": "密钥，在请求正文中提交",
    BOTH: "密钥，两种方式都可以",
    "private_key_jwt": "私钥签名的 JWT",
    "none": "无密钥，仅 PKCE（手机、桌面或浏览器应用）",
}
ALGORITHMS: Final = {"ES256": "ES256", "RS256": "RS256"}
REFRESH: Final = "refresh_token"

MOST: Final = MAX_URIS * (MAX_URI_LENGTH + 2)
"""Characters of a field with as many addresses as a registration may have, each in a line of its own."""
MOST_KEYS: Final = 100_000

_Text = Annotated[str, Form(max_length=4000)]
_Lines = Annotated[str, Form(max_length=MOST)]
_Keys = Annotated[str, Form(max_length=MOST_KEYS)]


@dataclass(frozen=True)
class Registration:
    """The fields of the form, as text; lists are separated by white space, and boxes are `yes` or empty."""

    client_name: str
    client_uri: str
    redirect_uris: str
    post_logout_redirect_uris: str
    allowed_origins: str
    backchannel_logout_uri: str
    frontchannel_logout_uri: str
    initiate_login_uri: str
    jwks_uri: str
    jwks: str
    contacts: str
    scopes: str
    method: str
    algorithm: str
    refresh: str
    name_in_id_token: str

    @classmethod
    def of(cls, client: Client) -> "Registration":
        """Return the form filled with a registration."""
        several = set(client.auth_methods) == set(BOTH.split())
        jwks = "" if client.jwks is None else json.dumps(client.jwks, ensure_ascii=False, indent=2)
        texts = {name: getattr(client, name) for name in _TEXTS}
        return cls(
            **{name: value or "" for name, value in texts.items()},
            **{name: "\n".join(getattr(client, name)) for name in _LISTS},
            jwks=jwks,
            scopes=" ".join(client.scopes),
            method=BOTH if several else client.token_endpoint_auth_method,
            algorithm=client.id_token_signed_response_alg,
            refresh="yes" if REFRESH in client.grant_types else "",
            name_in_id_token="yes" if client.name_in_id_token else "",
        )

    def metadata(self, client: Client) -> Metadata:
        """Return the registration with what the form has; the rest stays as it is.

        Raises `InvalidClientMetadata` for keys that are not JSON.
        """
        before = metadata_of(client)
        method, *more = self.method.split() if self.method in METHODS else client.auth_methods
        if {method, *more} == set(client.auth_methods):
            # The form does not say which of several is the first.
            method, *more = client.auth_methods
        grants = before.grant_types
        if bool(self.refresh) != (REFRESH in grants):
            grants = [*grants, REFRESH] if self.refresh else [one for one in grants if one != REFRESH]
        given: dict[str, Any] = {
            **{name: getattr(self, name).strip() or None for name in _TEXTS},
            **{name: getattr(self, name).split() for name in _LISTS if name != "contacts"},
            # A telephone number may have blanks.
            "contacts": [line.strip() for line in self.contacts.splitlines() if line.strip()],
        }
        return replace(
            before,
            **given | {"client_name": self.client_name.strip()},
            scopes=self.scopes.split(),
            token_endpoint_auth_method=method,
            additional_token_endpoint_auth_methods=more,
            id_token_signed_response_alg=self.algorithm,
            grant_types=grants,
            jwks=_keys(self.jwks),
            name_in_id_token=bool(self.name_in_id_token),
        )


def _keys(text: str) -> dict[str, Any] | None:
    if not text.strip():
        return None
    try:
        keys = json.loads(text)
    except (ValueError, RecursionError):
        keys = None
    if not isinstance(keys, dict) or next(unstorable(keys), None) is not None:
        raise InvalidClientMetadata("jwks: not a JWK Set in JSON.")
    return keys


def origins_of(redirect_uris: list[str]) -> list[str]:
    """Return the origins of https addresses, for a new client that runs in browsers."""
    found = [_ORIGIN.match(uri) for uri in redirect_uris]
    return list(dict.fromkeys(one.group().removesuffix(":443") for one in found if one is not None))


_ORIGIN = re.compile(r"https://[^/?#]+")
_LISTS = ("redirect_uris", "post_logout_redirect_uris", "allowed_origins", "contacts")
_TEXTS = (
    *("client_name", "client_uri", "backchannel_logout_uri", "frontchannel_logout_uri"),
    *("initiate_login_uri", "jwks_uri"),
)


async def _registration(
    client_name: _Text = "",
    client_uri: _Text = "",
    redirect_uris: _Lines = "",
    post_logout_redirect_uris: _Lines = "",
    allowed_origins: _Lines = "",
    backchannel_logout_uri: _Text = "",
    frontchannel_logout_uri: _Text = "",
    initiate_login_uri: _Text = "",
    jwks_uri: _Text = "",
    jwks: _Keys = "",
    contacts: _Lines = "",
    scopes: _Text = "",
    method: _Text = "",
    algorithm: _Text = "",
    refresh: _Text = "",
    name_in_id_token: _Text = "",
) -> Registration:
    given = locals()
    return Registration(**{one.name: given[one.name] for one in fields(Registration)})


RegistrationForm = Annotated[Registration, Depends(_registration)]
