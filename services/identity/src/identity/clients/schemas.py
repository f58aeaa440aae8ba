"""Schemas of the registry API."""

from collections.abc import Mapping
from dataclasses import asdict
from datetime import datetime
from typing import Annotated, Any
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field

from contracts.vocabulary import ClientStatus
from identity.clients.conversion import proposed_for
from identity.clients.kinds import ApplicationType, ClientAuthentication, DisabledBy, SigningAlgorithm
from identity.clients.models import Client, InitialAccessToken
from identity.clients.rules import Metadata
from identity.clients.shown import secret_id

Uri = Annotated[str, Field(max_length=2000)]
Uris = Annotated[list[Uri], Field(max_length=20)]
Word = Annotated[str, Field(max_length=100, pattern=r"^[\x21\x23-\x5b\x5d-\x7e]+$")]


class Fields(BaseModel):
    """Client metadata that REST and dynamic registration share (RFC 7591 §2)."""

    redirect_uris: Uris = Field(default=[], examples=[["https://xt.example.edu.cn/oidc/callback"]])
    application_type: ApplicationType = ApplicationType.WEB
    token_endpoint_auth_method: ClientAuthentication = ClientAuthentication.CLIENT_SECRET_BASIC
    additional_token_endpoint_auth_methods: list[ClientAuthentication] = Field(default=[], max_length=3)
    grant_types: list[Word] = Field(default=["authorization_code"], max_length=10)
    response_types: list[Word] = Field(default=["code"], max_length=10)
    contacts: list[Annotated[str, Field(max_length=254)]] = Field(default=[], max_length=20)
    client_uri: Uri | None = None
    logo_uri: Uri | None = None
    policy_uri: Uri | None = None
    tos_uri: Uri | None = None
    jwks_uri: Uri | None = None
    jwks: dict[str, Any] | None = None
    post_logout_redirect_uris: Uris = []
    allowed_origins: list[Uri] = Field(default=[], max_length=10, examples=[["https://xt.example.edu.cn"]])
    backchannel_logout_uri: Uri | None = None
    frontchannel_logout_uri: Uri | None = None
    backchannel_logout_session_required: bool = False
    frontchannel_logout_session_required: bool = False
    initiate_login_uri: Uri | None = None
    id_token_signed_response_alg: SigningAlgorithm = SigningAlgorithm.ES256
    userinfo_signed_response_alg: SigningAlgorithm | None = None
    default_max_age: int | None = Field(default=None, ge=0, le=86_400)
    default_acr_values: list[Word] = Field(default=[], max_length=10)
    require_pushed_authorization_requests: bool = False
    dpop_bound_access_tokens: bool = False
    require_pkce: bool = True
    name_in_id_token: bool = False


class ClientIn(Fields):
    """The complete registration of a client; missing fields get their defaults."""

    model_config = ConfigDict(extra="forbid")

    client_name: str = Field(min_length=1, max_length=100, examples=["XX学院资助系统"])
    scopes: list[Word] = Field(default=["openid", "profile"], max_length=20)
    audiences: list[Word] = Field(default=[], max_length=10)

    def metadata(self) -> Metadata:
        """Convert to the input of the rules."""
        return Metadata(**self.model_dump(exclude={"owner_unit_id"}))


class ClientCreate(ClientIn):
    """The registration of a client and the unit that owns it."""

    owner_unit_id: UUID


class SecretOut(BaseModel):
    """Metadata of a valid secret, without the secret."""

    id: str = Field(examples=["1f2e3d4c5b6a7988"])
    created_at: datetime
    expires_at: datetime | None


class ClientOut(Fields):
    """A registered client."""

    client_id: str
    client_name: str
    scopes: list[str]
    audiences: list[str]
    owner_unit_id: UUID
    owner_unit_name: str | None
    status: ClientStatus
    disabled_by: DisabledBy | None = Field(description="由谁停用；未停用的没有，由早期版本停用的也没有")
    disabled_by_unit_name: str | None = Field(description="停用该系统的单位")
    disabled_at: datetime | None = Field(description="停用时间")
    disabled_reason: str | None = Field(description="停用原因")
    version: int = Field(description="版本，即 ETag 引号内的数字", examples=[1])
    registered_at: datetime
    secrets: list[SecretOut]
    proposed: ClientIn | None = Field(description="待全国中心批准的登记信息；批准前仍按现登记信息运行")
    proposed_at: datetime | None = Field(description="提出修改的时间")
    client_secret: str | None = Field(default=None, description="仅在生成时返回一次")

    @classmethod
    def of(
        cls, client: Client, now: datetime, owners: Mapping[UUID | None, str], secret: str | None = None
    ) -> "ClientOut":
        """Return the registration as displayed to its administrators; `owners` has the names of units."""
        proposed = proposed_for(client)
        return cls(
            **values_of(client),
            client_id=client.client_id,
            scopes=client.scopes,
            audiences=client.audiences,
            owner_unit_id=client.owner_unit_id,
            owner_unit_name=owners.get(client.owner_unit_id),
            status=client.status,
            **_disabling(client, owners),
            version=client.version,
            registered_at=client.registered_at,
            secrets=[
                SecretOut(id=secret_id(row), created_at=row.created_at, expires_at=row.expires_at)
                for row in client.secrets
                if row.valid(now)
            ],
            proposed=None if proposed is None else ClientIn(**asdict(proposed)),
            proposed_at=client.proposed_at,
            client_secret=secret,
        )


def _disabling(client: Client, owners: Mapping[UUID | None, str]) -> dict[str, Any]:
    """Return who disabled a client. A process of the release before enables one and leaves this."""
    disabled = client.status == ClientStatus.DISABLED
    return {
        "disabled_by": client.disabled_by if disabled else None,
        "disabled_by_unit_name": owners.get(client.disabled_by_unit_id) if disabled else None,
        "disabled_at": client.disabled_at if disabled else None,
        "disabled_reason": client.disabled_reason if disabled else None,
    }


def values_of(client: Client) -> dict[str, Any]:
    """Return the shared metadata of a client, and its name."""
    names = [name for name in Fields.model_fields if name != "response_types"]
    return {
        **{name: getattr(client, name) for name in ("client_name", *names)},
        "response_types": ["code"] if "authorization_code" in client.grant_types else [],
    }


class DisableIn(BaseModel):
    """The reason for disabling a client."""

    model_config = ConfigDict(extra="forbid")

    reason: str = Field(min_length=1, max_length=200, examples=["系统下线"])


class RejectIn(BaseModel):
    """The reason for refusing or withdrawing a change."""

    model_config = ConfigDict(extra="forbid")

    reason: str = Field(min_length=1, max_length=200, examples=["名称与其他系统相近"])


class InitialTokenIn(BaseModel):
    """Request an initial access token for registering clients of a unit (RFC 7591 §3)."""

    model_config = ConfigDict(extra="forbid")

    owner_unit_id: UUID
    note: str = Field(default="", max_length=200, examples=["XX大学统一接入"])
    days: int = Field(default=7, ge=1, le=90, description="有效天数")
    max_uses: int = Field(default=1, ge=1, le=100, description="可登记的系统数")


class InitialTokenOut(BaseModel):
    """A new initial access token. It is returned only here, because only its hash is stored."""

    id: UUID
    owner_unit_id: UUID
    owner_unit_name: str | None
    note: str
    created_at: datetime
    expires_at: datetime
    revoked_at: datetime | None
    max_uses: int
    uses: int
    token: str | None = None

    @classmethod
    def of(
        cls, row: InitialAccessToken, owners: Mapping[UUID | None, str], token: str | None = None
    ) -> "InitialTokenOut":
        """Return the schema of a token; `owners` has the names of units."""
        return cls(
            id=row.id,
            owner_unit_id=row.owner_unit_id,
            owner_unit_name=owners.get(row.owner_unit_id),
            note=row.note,
            created_at=row.created_at,
            expires_at=row.expires_at,
            revoked_at=row.revoked_at,
            max_uses=row.max_uses,
            uses=row.uses,
            token=token,
        )
