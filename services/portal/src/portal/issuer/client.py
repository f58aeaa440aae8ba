"""Calls to the issuer. None of them belongs into a transaction."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode, urlsplit

import httpx
import structlog
from joserfc.jwk import ECKey
from pydantic import BaseModel, ValidationError

from contracts.vocabulary import Audience
from portal.errors import IssuerUnavailable
from portal.issuer.proofs import assertion, proof
from servicekit.clock import Clock

log = structlog.get_logger("issuer")

SCOPE = "openid profile phone office cockpit:read cockpit:write identity"
DEVICE_CODE = "urn:ietf:params:oauth:grant-type:device_code"
_DISCOVERY = "/.well-known/openid-configuration"
_SESSION = "/api/v1/me/session"


class Refused(Exception):
    """The issuer refused a request; `error` is the code of RFC 6749 §5.2."""

    def __init__(self, error: str) -> None:
        super().__init__(error)
        self.error = error


class Metadata(BaseModel):
    """What the portal needs of the issuer's metadata (RFC 8414 §2)."""

    issuer: str
    authorization_endpoint: str
    token_endpoint: str
    pushed_authorization_request_endpoint: str
    revocation_endpoint: str
    device_authorization_endpoint: str


class TokenResponse(BaseModel):
    """A successful response of the token endpoint (RFC 6749 §5.1)."""

    access_token: str
    token_type: str
    expires_in: int
    refresh_token: str | None = None
    id_token: str | None = None


class DeviceAuthorization(BaseModel):
    """A device authorization response (RFC 8628 §3.2)."""

    device_code: str
    user_code: str
    verification_uri: str
    verification_uri_complete: str
    expires_in: int
    interval: int = 5


@dataclass(frozen=True)
class Target:
    """Where the issuer is: as browsers and tokens name it, and as the portal reaches it."""

    issuer: str
    reached_at: str

    def internal(self, endpoint: str) -> str:
        """Return how the portal reaches an endpoint that the metadata name by its public address."""
        return self.reached_at + urlsplit(endpoint).path


class Issuer:
    """The issuer, for the whole process."""

    def __init__(
        self, http: httpx.AsyncClient, target: Target, clock: Clock, *, client_id: str, key: ECKey
    ) -> None:
        self._http = http
        self._target = target
        self._clock = clock
        self._client_id = client_id
        self._key = key
        self._metadata: Metadata | None = None
        self._nonce: str | None = None

    async def metadata(self) -> Metadata:
        """Return the metadata, fetched once. Raises `IssuerUnavailable`."""
        if self._metadata is None:
            answer = await self._send("GET", self._target.reached_at + _DISCOVERY)
            found = _parsed(Metadata, answer)
            if found.issuer != self._target.issuer:
                log.error("the metadata name another issuer", found=found.issuer)
                raise IssuerUnavailable
            self._metadata = found
        return self._metadata

    async def authorization(self, parameters: Mapping[str, str], key: ECKey) -> str:
        """Push an authorization request (RFC 9126) and return the address for the browser.

        The request names all audiences; `key` is the one to which its tokens will be bound.
        Raises `Refused`, `IssuerUnavailable`.
        """
        metadata = await self.metadata()
        asked = {
            "response_type": "code",
            "scope": SCOPE,
            "resource": list(Audience),
            "code_challenge_method": "S256",
            **parameters,
        }
        answer = await self._post(metadata.pushed_authorization_request_endpoint, asked, key)
        request_uri = str(answer.get("request_uri", ""))
        reference = urlencode({"client_id": self._client_id, "request_uri": request_uri})
        return f"{metadata.authorization_endpoint}?{reference}"

    async def redeem(
        self, code: str, *, verifier: str, redirect_uri: str, audience: Audience, key: ECKey
    ) -> TokenResponse:
        """Exchange an authorization code (RFC 6749 §4.1.3). Raises `Refused`, `IssuerUnavailable`."""
        asked = {
            "grant_type": "authorization_code",
            "code": code,
            "code_verifier": verifier,
            "redirect_uri": redirect_uri,
            "resource": audience,
        }
        return await self._token(asked, key)

    async def device(self, scope: str, audience: Audience) -> DeviceAuthorization:
        """Begin a device authorization (RFC 8628 §3.1). Raises `Refused`, `IssuerUnavailable`."""
        metadata = await self.metadata()
        asked = {"scope": scope, "resource": audience}
        answer = await self._post(metadata.device_authorization_endpoint, asked, None)
        try:
            return DeviceAuthorization.model_validate(answer)
        except ValidationError as error:
            raise IssuerUnavailable from error

    async def redeem_device(self, device_code: str, audience: Audience, key: ECKey) -> TokenResponse:
        """Ask whether a device is allowed (RFC 8628 §3.4); its tokens are bound to `key`.

        Raises `Refused` with the codes of §3.5, and `IssuerUnavailable`.
        """
        asked = {"grant_type": DEVICE_CODE, "device_code": device_code, "resource": audience}
        return await self._token(asked, key)

    async def refresh(self, refresh_token: str, audience: Audience, key: ECKey) -> TokenResponse:
        """Return an access token for one audience (RFC 8707 §2.2). Raises `Refused`, `IssuerUnavailable`."""
        asked = {"grant_type": "refresh_token", "refresh_token": refresh_token, "resource": audience}
        return await self._token(asked, key)

    async def revoke(self, refresh_token: str) -> None:
        """Revoke a refresh token and its grant (RFC 7009). Raises `Refused`, `IssuerUnavailable`."""
        metadata = await self.metadata()
        asked = {"token": refresh_token, "token_type_hint": "refresh_token"}
        await self._post(metadata.revocation_endpoint, asked, None)

    async def revoke_all(self, refresh_tokens: Sequence[str]) -> None:
        """Revoke refresh tokens whose sessions are gone, and with them the only copies; log failures."""
        for token in refresh_tokens:
            try:
                await self.revoke(token)
            except (Refused, IssuerUnavailable) as error:
                log.warning("a refresh token was not revoked", error=str(error))

    async def end_session(self, access_token: str, key: ECKey) -> None:
        """End the session at Identity that the token belongs to, and with it all sessions at its clients.

        No ID token goes through the browser, as it would in RP-Initiated Logout 1.0 §2.
        Raises `Refused`, `IssuerUnavailable`.
        """
        now = self._clock.now()
        headers = {
            "authorization": f"DPoP {access_token}",
            "dpop": proof(
                key, method="DELETE", url=self._target.issuer + _SESSION, now=now, access_token=access_token
            ),
        }
        answer = await self._send("DELETE", self._target.reached_at + _SESSION, headers=headers)
        if answer.status_code == httpx.codes.UNAUTHORIZED:
            raise Refused("invalid_token")
        if not answer.is_success and answer.status_code != httpx.codes.NOT_FOUND:
            raise IssuerUnavailable

    async def _token(self, asked: Mapping[str, str], key: ECKey) -> TokenResponse:
        metadata = await self.metadata()
        answer = await self._post(metadata.token_endpoint, asked, key)
        try:
            found = TokenResponse.model_validate(answer)
        except ValidationError as error:
            raise IssuerUnavailable from error
        if found.token_type.lower() != "dpop":
            # RFC 9449 §5: the token would be usable by whoever has it.
            log.error("the issuer gave a token that is bound to no key")
            raise IssuerUnavailable
        return found

    async def _post(
        self, endpoint: str, asked: Mapping[str, str | Sequence[str]], key: ECKey | None
    ) -> dict[str, Any]:
        answer = await self._attempt(endpoint, asked, key)
        if key is not None and _error_of(answer) == "use_dpop_nonce":
            answer = await self._attempt(endpoint, asked, key)
        if answer.is_success:
            return _object(answer)
        error = _error_of(answer)
        if error is None or answer.is_server_error:
            log.warning("the issuer failed", status=answer.status_code)
            raise IssuerUnavailable
        raise Refused(error)

    async def _attempt(
        self, endpoint: str, asked: Mapping[str, str | Sequence[str]], key: ECKey | None
    ) -> httpx.Response:
        now = self._clock.now()
        form = {
            **asked,
            "client_id": self._client_id,
            **assertion(self._key, client_id=self._client_id, issuer=self._target.issuer, now=now),
        }
        headers = {}
        if key is not None:
            headers["DPoP"] = proof(key, method="POST", url=endpoint, now=now, nonce=self._nonce)
        answer = await self._send("POST", self._target.internal(endpoint), data=form, headers=headers)
        self._nonce = answer.headers.get("dpop-nonce", self._nonce)
        return answer

    async def _send(self, method: str, url: str, **more: Any) -> httpx.Response:
        try:
            return await self._http.request(method, url, **more)
        except httpx.HTTPError as error:
            log.warning("the issuer was not reached", error=type(error).__name__)
            raise IssuerUnavailable from error


def _object(answer: httpx.Response) -> dict[str, Any]:
    """Return the body if it is an object; an empty one else (the revocation endpoint has no body)."""
    try:
        body = answer.json()
    except ValueError:
        return {}
    return body if isinstance(body, dict) else {}


def _error_of(answer: httpx.Response) -> str | None:
    if answer.is_success:
        return None
    error = _object(answer).get("error")
    return error if isinstance(error, str) else None


def _parsed(model: type[Metadata], answer: httpx.Response) -> Metadata:
    if not answer.is_success:
        raise IssuerUnavailable
    try:
        return model.model_validate(answer.json())
    except ValueError as error:
        raise IssuerUnavailable from error
