"""Dynamic registration over HTTP: RFC 7591 (register) and RFC 7592 (read, update, delete)."""

from typing import Annotated, Any

from fastapi import APIRouter, Depends, Header, Request
from fastapi.responses import JSONResponse, Response
from pydantic import Field, ValidationError, model_validator

from identity.clients import errors
from identity.clients.dependencies import ClientService, ClientStateService, RegistrationService
from identity.clients.models import Client
from identity.clients.registration import BadToken
from identity.clients.rules import Metadata
from identity.clients.schemas import Fields, values_of
from identity.clients.service import Registered
from identity.dependencies import ServiceSettings
from identity.descriptions import OAUTH_ERRORS
from servicekit.text import unstorable

_NOBODY: dict[int | str, dict[str, Any]] = {401: OAUTH_ERRORS[401]}
router = APIRouter(tags=["动态登记"])

_NO_STORE = {"Cache-Control": "no-store", "Pragma": "no-cache"}
_REFUSED = (errors.InvalidRedirectUri, errors.InvalidClientMetadata)
# RFC 7592 §2.2: members that an update must not contain.
_OURS = (
    "registration_access_token",
    "registration_client_uri",
    "client_secret_expires_at",
    "client_id_issued_at",
)


class RegistrationIn(Fields):
    """RFC 7591 §2: metadata that is not understood or not supported is ignored; the answer says what was
    registered. Only a wish for pairwise subjects is refused: what it asks to keep apart would be joined.
    """

    client_name: str = Field(default="", max_length=100)
    scope: str = Field(default="openid profile", max_length=500)
    subject_type: str = "public"
    sector_identifier_uri: str | None = None

    @model_validator(mode="before")
    @classmethod
    def _nothing_is_absent(cls, given: Any) -> Any:
        """Treat null and an empty string as an omitted value (RFC 7592 §2.2)."""
        if not isinstance(given, dict):
            return given
        return {name: value for name, value in given.items() if value is not None and value != ""}

    def metadata(self) -> Metadata:
        """Convert to the input of the rules. Raises `InvalidClientMetadata` for unsupported metadata."""
        if self.subject_type != "public" or self.sector_identifier_uri is not None:
            raise errors.InvalidClientMetadata("Only the subject type 'public' is supported.")
        shared = self.model_dump(include=set(Fields.model_fields))
        return Metadata(
            **shared,
            client_name=self.client_name or "未命名系统",
            scopes=list(dict.fromkeys(self.scope.split())),
        )


async def _bearer(authorization: Annotated[str | None, Header()] = None) -> str:
    scheme, _, token = (authorization or "").partition(" ")
    return token.strip() if scheme.lower() == "bearer" else ""


Token = Annotated[str, Depends(_bearer)]
_SCHEMA = RegistrationIn.model_json_schema(ref_template="#/components/schemas/{model}")
_SCHEMA.pop("$defs")  # the vocabulary, which other operations declare
_BODY: dict[str, Any] = {
    "requestBody": {
        "required": True,
        "content": {"application/json": {"schema": _SCHEMA}},
    }
}


@router.post("/register", status_code=201, summary="动态登记", openapi_extra=_BODY, responses=OAUTH_ERRORS)
async def register_client(
    request: Request, token: Token, registration: RegistrationService, settings: ServiceSettings
) -> Response:
    """凭初始令牌登记一个系统（RFC 7591 §3）。"""
    # Before the token is locked: a body may be long in coming.
    await request.body()
    try:
        # Who may not register learns nothing of what a registration must be.
        initial = await registration.initial(token)
        _, metadata = _parsed(await _object(request))
        made, own = await registration.register(initial, metadata)
    except BadToken:
        return _bad_token(token)
    except _REFUSED as problem:
        return _refusal(problem)
    return _answer(settings.issuer_url, made, own, 201)


@router.get("/register/{client_id}", summary="读取动态登记", responses=_NOBODY)
async def read_client(
    client_id: str, token: Token, registration: RegistrationService, settings: ServiceSettings
) -> Response:
    """凭登记令牌读取（RFC 7592 §2.1）。密钥不再返回：只存其散列。"""
    try:
        client, _ = await registration.client(client_id, token)
    except BadToken:
        return _bad_token(token)
    return _answer(settings.issuer_url, Registered(client, None), token, 200)


@router.put("/register/{client_id}", summary="修改动态登记", openapi_extra=_BODY, responses=OAUTH_ERRORS)
async def change_client(
    client_id: str,
    request: Request,
    token: Token,
    registration: RegistrationService,
    clients: ClientService,
    settings: ServiceSettings,
) -> Response:
    """整体替换（RFC 7592 §2.2）。"""
    await request.body()
    try:
        client, actor = await registration.client(client_id, token)
        given, metadata = _parsed(await _object(request))
        if given.get("client_id") != client_id:
            raise errors.InvalidClientMetadata("client_id must be the client's own.")
        if any(name in given for name in _OURS):
            raise errors.InvalidClientMetadata(f"Must not be sent: {', '.join(_OURS)}.")
        secret = given.get("client_secret")
        if secret is not None and not (isinstance(secret, str) and client.check_client_secret(secret)):
            raise errors.InvalidClientMetadata("client_secret must be the present one.")
        made = await clients.update(actor, client_id, metadata, None)
    except BadToken:
        return _bad_token(token)
    except _REFUSED as problem:
        return _refusal(problem)
    return _answer(settings.issuer_url, made, token, 200)


@router.delete("/register/{client_id}", status_code=204, summary="删除动态登记", responses=_NOBODY)
async def delete_client(
    client_id: str, token: Token, registration: RegistrationService, states: ClientStateService
) -> Response:
    """系统随即停用，登记令牌作废（RFC 7592 §2.3）。"""
    try:
        _, actor = await registration.client(client_id, token)
        await states.delete(actor, client_id)
    except BadToken:
        return _bad_token(token)
    return Response(status_code=204, headers=_NO_STORE)


async def _object(request: Request) -> dict[str, Any]:
    try:
        body = await request.json()
    except (ValueError, RecursionError):
        body = None
    if not isinstance(body, dict):
        raise errors.InvalidClientMetadata("The body must be a JSON object.")
    if next(unstorable(body), None) is not None:
        raise errors.InvalidClientMetadata(
            "The body has a NUL character, a lone surrogate or a number that is not finite."
        )
    return body


def _parsed(body: dict[str, Any]) -> tuple[dict[str, Any], Metadata]:
    try:
        return body, RegistrationIn.model_validate(body).metadata()
    except ValidationError as error:
        first = error.errors()[0]
        name = str(first["loc"][0]) if first["loc"] else "body"
        kind = errors.InvalidRedirectUri if name == "redirect_uris" else errors.InvalidClientMetadata
        raise kind(f"{name}: not what RFC 7591 or this issuer allows.") from error


def _answer(issuer: str, made: Registered, own_token: str, status: int) -> JSONResponse:
    """Return the client information response (RFC 7591 §3.2.1)."""
    client: Client = made.client
    body: dict[str, Any] = {
        **{name: value for name, value in values_of(client).items() if value is not None},
        "client_id": client.client_id,
        "client_id_issued_at": int(client.registered_at.timestamp()),
        "scope": " ".join(client.scopes),
        "subject_type": "public",
        "registration_access_token": own_token,
        "registration_client_uri": f"{issuer}/register/{client.client_id}",
    }
    if made.secret is not None:
        # Zero: it does not expire.
        body |= {"client_secret": made.secret, "client_secret_expires_at": 0}
    return JSONResponse(body, status, _NO_STORE)


def _refusal(problem: errors.InvalidRedirectUri | errors.InvalidClientMetadata) -> JSONResponse:
    """Return the error response (RFC 7591 §3.2.2)."""
    return JSONResponse({"error": problem.code, "error_description": problem.detail}, 400, _NO_STORE)


def _bad_token(token: str) -> JSONResponse:
    """Return the error response; without a token it contains no error code (RFC 6750 §3.1)."""
    challenge = 'Bearer error="invalid_token"' if token else "Bearer"
    body = {"error": "invalid_token", "error_description": "The token is missing, unknown or used up."}
    return JSONResponse(body, 401, {**_NO_STORE, "WWW-Authenticate": challenge})
