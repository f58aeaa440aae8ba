"""Rules for client metadata (RFC 7591 §2, RFC 8252, RFC 9700 §2.1 and §4.1). Pure."""

import re
from collections.abc import Collection, Iterable
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

from authkit import acr
from identity.addresses import Network, may_call

SECRET_METHODS = frozenset({"client_secret_basic", "client_secret_post"})
AUTH_METHODS = SECRET_METHODS | {"none", "private_key_jwt"}
DEVICE_CODE = "urn:ietf:params:oauth:grant-type:device_code"
TOKEN_EXCHANGE = "urn:ietf:params:oauth:grant-type:token-exchange"
THIRD_PARTY_GRANTS = frozenset({"authorization_code", "refresh_token", DEVICE_CODE})
GRANT_TYPES = THIRD_PARTY_GRANTS | {"client_credentials", TOKEN_EXCHANGE}
WALL = "cockpit:wall"
"""The scope of wall displays: the views of the cockpit for one unit. Only the device flow grants it, because
there a person says where the display stands.
"""
SCOPES = [
    "openid",
    "profile",
    "phone",
    "office",
    "cockpit:read",
    "cockpit:write",
    WALL,
    "identity",
    "directory:read",
    "offline_access",
]
THIRD_PARTY_SCOPES = frozenset({"openid", "profile", "phone", "offline_access"})
"""Scopes that any platform may request with a person's consent; only the centre grants other scopes."""
THIRD_PARTY_AUDIENCES: frozenset[str] = frozenset()
SIGNING_ALGS = frozenset({"ES256", "RS256"})
LOOPBACK = frozenset({"localhost", "127.0.0.1", "::1"})
MAX_URIS = 20
_DEFAULT_PORTS = {"https": 443, "http": 80}
MAX_URI_LENGTH = 2000

_ENCODED = re.compile(r"%(?:2e|2f|5c|00|0a|0d|25)", re.IGNORECASE)
_DOT_SEGMENT = re.compile(r"/\.{1,2}(?:/|$)")
_LABEL = re.compile(r"[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?")
_URI_CHARACTERS = re.compile(r"[A-Za-z0-9\-._~:/?\[\]@!$&'()+,;=%]+")
_EMAIL = re.compile(r"[A-Za-z0-9._%+-]{1,64}@[A-Za-z0-9-]+(?:\.[A-Za-z0-9-]+)+")
_PHONE = re.compile(r"\+?[0-9][0-9 -]{4,24}")
_PRIVATE_MEMBERS = frozenset({"d", "p", "q", "dp", "dq", "qi", "oth", "k"})


class BadMetadata(ValueError):
    """The metadata is invalid. `code` is from RFC 7591 §3.2.2, `description` is for the integrator."""

    def __init__(self, description: str, code: str = "invalid_client_metadata") -> None:
        super().__init__(description)
        self.code = code
        self.description = description


@dataclass(frozen=True)
class Metadata:
    """A client's metadata under RFC 7591 names; `scopes` and `audiences` are lists."""

    client_name: str
    redirect_uris: list[str] = field(default_factory=list)
    application_type: str = "web"
    token_endpoint_auth_method: str = "client_secret_basic"
    additional_token_endpoint_auth_methods: list[str] = field(default_factory=list)
    """Not in RFC 7591, which has one method: other ways to send the same secret, for a client made of several
    programs.
    """
    grant_types: list[str] = field(default_factory=lambda: ["authorization_code"])
    response_types: list[str] = field(default_factory=lambda: ["code"])
    scopes: list[str] = field(default_factory=lambda: ["openid", "profile"])
    audiences: list[str] = field(default_factory=list)
    contacts: list[str] = field(default_factory=list)
    client_uri: str | None = None
    logo_uri: str | None = None
    policy_uri: str | None = None
    tos_uri: str | None = None
    jwks_uri: str | None = None
    jwks: dict[str, Any] | None = None
    post_logout_redirect_uris: list[str] = field(default_factory=list)
    allowed_origins: list[str] = field(default_factory=list)
    """Not in RFC 7591: the origins of a client that runs in browsers, whose scripts redeem codes (CORS)."""
    backchannel_logout_uri: str | None = None
    frontchannel_logout_uri: str | None = None
    backchannel_logout_session_required: bool = False
    frontchannel_logout_session_required: bool = False
    initiate_login_uri: str | None = None
    id_token_signed_response_alg: str = "ES256"
    userinfo_signed_response_alg: str | None = None
    default_max_age: int | None = None
    default_acr_values: list[str] = field(default_factory=list)
    require_pushed_authorization_requests: bool = False
    dpop_bound_access_tokens: bool = False
    name_in_id_token: bool = False
    """Not in RFC 7591: the scope `profile` puts `name` into ID tokens too (OpenID Connect Core §5.4)."""
    require_pkce: bool = True
    """Not in RFC 7591. Without it a request needs a nonce instead (RFC 9700 §2.1.1)."""


def lasts_on_devices(grant_types: Iterable[str], scopes: Iterable[str]) -> bool:
    """Return whether a device of the client can stay signed in for months."""
    return DEVICE_CODE in grant_types and "offline_access" in scopes


def granted_by_centre(client: Metadata) -> bool:
    """Return whether the client has scopes, audiences, grant types or an exemption that only the centre
    gives.
    """
    return (
        not THIRD_PARTY_SCOPES.issuperset(client.scopes)
        or not THIRD_PARTY_AUDIENCES.issuperset(client.audiences)
        or not THIRD_PARTY_GRANTS.issuperset(client.grant_types)
        or lasts_on_devices(client.grant_types, client.scopes)
        or not client.require_pkce
    )


_MOST = {
    **dict.fromkeys(("redirect_uris", "post_logout_redirect_uris", "contacts", "scopes"), 20),
    **dict.fromkeys(("grant_types", "response_types", "audiences", "default_acr_values"), 10),
    "allowed_origins": 10,
}
"""How many values a list may have; the schemas of the REST API have the same limits."""
_IDENTITY = (
    "client_name",
    "client_uri",
    "logo_uri",
    # What the tile of the system opens.
    "initiate_login_uri",
    "application_type",
    "token_endpoint_auth_method",
    "additional_token_endpoint_auth_methods",
    "jwks",
    "jwks_uri",
)
_PROTECTIONS = ("require_pushed_authorization_requests", "dpop_bound_access_tokens", "require_pkce")


def becomes_another(before: Metadata, after: Metadata) -> bool:
    """Return whether a change decides anew who the client is: its name, where codes go, how it proves itself.

    Whoever granted it something decided about the client as it was (RFC 7591 §5, RFC 9700 §4.15). Fewer
    redirect URIs, fewer origins and more protection need nobody.
    """
    return (
        any(getattr(before, name) != getattr(after, name) for name in _IDENTITY)
        or not set(after.redirect_uris) <= set(before.redirect_uris)
        or not set(after.allowed_origins) <= set(before.allowed_origins)
        or any(getattr(before, name) and not getattr(after, name) for name in _PROTECTIONS)
    )


def check(
    client: Metadata,
    *,
    scopes: Iterable[str],
    audiences: Iterable[str],
    grants: Iterable[str],
    lasting_devices: bool = True,
    pkce_optional: bool = True,
    networks: Collection[Network] = (),
    dev: bool = False,
) -> None:
    """Raise `BadMetadata` for the first invalid value.

    `scopes`, `audiences` and `grants` are those that the registering party may assign; `lasting_devices` says
    whether it may register device authorizations that outlive the session in which they were approved,
    and `pkce_optional` whether it may free a client from PKCE.
    Addresses that the issuer calls are public or in `networks`, and with `dev` also on this machine.
    """
    _check_redirects(client)
    for name, most in _MOST.items():
        if len(getattr(client, name)) > most:
            raise BadMetadata(f"{name}: {most} at most.")
    for name in ("client_uri", "logo_uri", "policy_uri", "tos_uri"):
        value = getattr(client, name)
        if value is not None:
            check_uri(value, name, loopback=dev)
    _check_home(client)
    if client.frontchannel_logout_uri is not None:
        check_uri(client.frontchannel_logout_uri, "frontchannel_logout_uri")
    for name in ("backchannel_logout_uri", "jwks_uri"):
        value = getattr(client, name)
        if value is not None:
            check_uri(value, name, loopback=dev)
            _check_outgoing(value, name, networks, dev=dev)
    if client.initiate_login_uri is not None:
        # OpenID Connect Core §4: https, without the loopback exception.
        check_uri(client.initiate_login_uri, "initiate_login_uri", loopback=False)
    _unique("post_logout_redirect_uris", client.post_logout_redirect_uris)
    for value in client.post_logout_redirect_uris:
        check_uri(value, "post_logout_redirect_uris")
    _check_authentication(client)
    _check_origins(client, dev=dev)
    _within("grant_types", client.grant_types, grants)
    _within("scope", client.scopes, scopes)
    _within("audiences", client.audiences, audiences)
    _within("default_acr_values", client.default_acr_values, acr.ORDER)
    _check_flows(client)
    if not lasting_devices and lasts_on_devices(client.grant_types, client.scopes):
        raise BadMetadata("offline_access for the device flow is given by the centre only.")
    if not client.require_pkce:
        _check_without_pkce(client, optional=pkce_optional)
    if client.application_type not in ("web", "native"):
        raise BadMetadata("application_type must be 'web' or 'native'.")
    if client.id_token_signed_response_alg not in SIGNING_ALGS:
        raise BadMetadata("id_token_signed_response_alg must be ES256 or RS256.")
    if client.userinfo_signed_response_alg not in {None, *SIGNING_ALGS}:
        raise BadMetadata("userinfo_signed_response_alg must be ES256 or RS256.")
    for contact in client.contacts:
        if len(contact) > 254 or not (_EMAIL.fullmatch(contact) or _PHONE.fullmatch(contact)):
            raise BadMetadata("contacts must be e-mail addresses or telephone numbers.")


def check_uri(value: str, name: str, *, loopback: bool = True, code: str = "invalid_client_metadata") -> None:
    """Raise `BadMetadata` unless `value` is a plain https URI, or an http URI of a loopback address."""

    def refuse(why: str) -> BadMetadata:
        return BadMetadata(f"{name}: {why}.", code)

    if len(value) > MAX_URI_LENGTH:
        raise refuse("too long")
    if "#" in value:
        raise refuse("must not have a fragment")
    if "*" in value:
        raise refuse("must not have a wildcard")
    if not _URI_CHARACTERS.fullmatch(value):
        raise refuse("only characters of RFC 3986; internationalized names in A-label form (xn--)")
    try:
        parts = urlsplit(value)
        host, port = parts.hostname, parts.port
    except ValueError:
        raise refuse("not a URI") from None
    if parts.scheme not in ("https", "http") or not value.startswith(f"{parts.scheme}://") or not host:
        raise refuse("must be an absolute https URI")
    if "@" in parts.netloc:
        raise refuse("must not have user information")
    if port == 0 or parts.netloc.endswith(":"):
        raise refuse("the port is not one")
    if _ENCODED.search(value) or _DOT_SEGMENT.search(parts.path):
        raise refuse("must not have dot segments, nor encoded dots, slashes, percent signs or controls")
    if host in LOOPBACK:
        if not loopback:
            raise refuse("must be reachable from elsewhere; only in dev mode may it be on this machine")
        return
    if parts.scheme != "https":
        raise refuse("http is only for localhost, 127.0.0.1 and [::1]")
    _check_host(parts.netloc, host, refuse)


def _check_origins(client: Metadata, *, dev: bool) -> None:
    if client.allowed_origins and client.token_endpoint_auth_method != "none":
        raise BadMetadata("allowed_origins: only for clients of method 'none', which run in browsers.")
    _unique("allowed_origins", client.allowed_origins)
    for value in client.allowed_origins:
        check_uri(value, "allowed_origins", loopback=dev)
        parts = urlsplit(value)
        # Compared as browsers write it (RFC 6454 §6.1).
        if value != f"{parts.scheme}://{parts.netloc}" or parts.port == _DEFAULT_PORTS[parts.scheme]:
            raise BadMetadata("allowed_origins: scheme, host and port only, as in https://app.example.cn.")


def _check_outgoing(value: str, name: str, networks: Collection[Network], *, dev: bool) -> None:
    """Refuse an address in figures that the issuer will not call; names are judged at each call."""
    host = urlsplit(value).hostname or ""
    if host.rpartition(".")[2].isdigit() and not may_call(host, networks, loopback=dev):
        raise BadMetadata(f"{name}: must be a public address.")


def _check_host(netloc: str, host: str, refuse: Any) -> None:
    if "[" in netloc or netloc != netloc.lower():
        raise refuse("the host must be a name in lower case")
    labels = host.split(".")
    if len(labels) < 2 or len(host) > 253 or not all(_LABEL.fullmatch(label) for label in labels):
        raise refuse("the host is not a full domain name")
    if labels[-1].isdigit():
        if len(labels) != 4 or not all(label.isdigit() and int(label) < 256 for label in labels):
            raise refuse("the host is not an address")
        return
    for label in labels:
        if label.startswith("xn--"):
            try:
                decoded = label.encode().decode("idna")
                if decoded == label or decoded.encode("idna").decode() != label:
                    raise ValueError
            except ValueError:
                raise refuse("the host is not a valid A-label") from None


def _check_redirects(client: Metadata) -> None:
    code = "invalid_redirect_uri"
    if "authorization_code" in client.grant_types and not client.redirect_uris:
        raise BadMetadata("redirect_uris: at least one is required.", code)
    if len(client.redirect_uris) > _MOST["redirect_uris"]:
        raise BadMetadata(f"redirect_uris: {_MOST['redirect_uris']} at most.", code)
    _unique("redirect_uris", client.redirect_uris, code)
    for value in client.redirect_uris:
        check_uri(value, "redirect_uris", code=code)


def _check_home(client: Metadata) -> None:
    """Require the home page to be where people are sent back to (RFC 7591 §5), so that nobody claims
    another's.
    """
    hosts = {urlsplit(uri).hostname for uri in client.redirect_uris} - LOOPBACK
    if client.client_uri is not None and hosts and urlsplit(client.client_uri).hostname not in hosts:
        raise BadMetadata("client_uri: must have the host of a redirect URI.")


def _check_authentication(client: Metadata) -> None:
    method = client.token_endpoint_auth_method
    if method not in AUTH_METHODS:
        raise BadMetadata(f"token_endpoint_auth_method must be one of {sorted(AUTH_METHODS)}.")
    more = client.additional_token_endpoint_auth_methods
    # Beside a key or without any proof, the weaker method would decide.
    if more and not SECRET_METHODS.issuperset([method, *more]):
        raise BadMetadata("additional_token_endpoint_auth_methods: only methods of a secret go together.")
    _unique("additional_token_endpoint_auth_methods", [method, *more])
    if client.jwks is not None and client.jwks_uri is not None:
        raise BadMetadata("jwks and jwks_uri must not both be given.")
    if method == "private_key_jwt" and client.jwks is None and client.jwks_uri is None:
        raise BadMetadata("private_key_jwt needs jwks or jwks_uri.")
    if client.jwks is not None:
        _check_jwks(client.jwks)


def _check_without_pkce(client: Metadata, *, optional: bool) -> None:
    if not optional:
        raise BadMetadata("require_pkce: only the centre frees a client from PKCE.")
    if client.token_endpoint_auth_method == "none" or client.application_type == "native":
        raise BadMetadata("require_pkce: only a confidential client of type 'web' can do without PKCE.")


def _check_jwks(jwks: dict[str, Any]) -> None:
    keys = jwks.get("keys")
    if not isinstance(keys, list) or not 1 <= len(keys) <= 20:
        raise BadMetadata("jwks: not a JWK Set.")
    for key in keys:
        if not isinstance(key, dict) or key.get("kty") not in ("EC", "RSA", "OKP"):
            raise BadMetadata("jwks: only public EC, RSA and OKP keys.")
        if not _PRIVATE_MEMBERS.isdisjoint(key):
            raise BadMetadata("jwks: a private key was sent; it is no longer secret, make another.")


def _check_flows(client: Metadata) -> None:
    grants = set(client.grant_types)
    if not grants:
        raise BadMetadata("grant_types: at least one is required.")
    wanted = ["code"] if "authorization_code" in grants else []
    if client.response_types != wanted:
        raise BadMetadata(f"response_types must be {wanted} with these grant_types.")
    if "refresh_token" in grants and grants.isdisjoint({"authorization_code", DEVICE_CODE}):
        raise BadMetadata("grant_types: refresh_token goes with authorization_code or device_code.")
    for name in ("client_credentials", TOKEN_EXCHANGE):
        if name in grants and client.token_endpoint_auth_method == "none":
            raise BadMetadata(f"grant_types: {name} needs a client that authenticates.")


def _within(name: str, values: list[str], allowed: Iterable[str]) -> None:
    beyond = sorted(set(values) - set(allowed))
    if beyond:
        raise BadMetadata(f"{name}: not available to this client: {' '.join(beyond)}.")
    _unique(name, values)


def _unique(name: str, values: list[str], code: str = "invalid_client_metadata") -> None:
    if len(set(values)) != len(values):
        raise BadMetadata(f"{name}: given twice.", code)
    if len(values) > MAX_URIS:
        raise BadMetadata(f"{name}: more than {MAX_URIS}.", code)
