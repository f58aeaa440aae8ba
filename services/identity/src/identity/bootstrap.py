"""Initial set-up: a signing key, the service clients, and a complete world of units and people.

Every step is idempotent: existing keys and units are kept, clients are set to the given values.
"""

from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy.ext.asyncio import AsyncSession

from authkit.client_keys import key_of, public_jwks
from contracts.identity import DirectoryLoadedV1
from contracts.vocabulary import Audience, PlatformRole, Role
from identity.accounts.errors import BadName
from identity.accounts.rules import is_real_name
from identity.accounts.service import Accounts, phone_of
from identity.appointments.dependencies import appointments_for
from identity.audit.service import AuditLog
from identity.authenticators.errors import TotpPresent
from identity.authenticators.repository import AuthenticatorRepository
from identity.authenticators.totp import Totps, code_at
from identity.authenticators.tries import Tries
from identity.base import outbox
from identity.clients import development
from identity.clients.models import Client, ClientSecret, secret_hash
from identity.clients.repository import ClientRepository
from identity.clients.rules import DEVICE_CODE, TOKEN_EXCHANGE, WALL
from identity.codes.service import Codes
from identity.entitlements.service import Entitlements
from identity.keys.ring import KeyRing
from identity.memberships.service import Memberships
from identity.platform.service import Platform
from identity.policies.documents import load as load_policies
from identity.policies.service import Policies
from identity.revocations.service import Revocations
from identity.sessions.service import Sessions
from identity.settings import Settings
from identity.units import worlds
from identity.units.rules import CENTRE_CODE, PersonSeed, UnitSeed
from identity.units.service import Units
from identity.vault import Vault
from servicekit.clock import Clock
from servicekit.ids import new_id

PORTAL = "portal"
WORKBENCH = "workbench"
WALLS = "wall"
_CHUNK = 200
PEOPLE_SCOPES = ["openid", "profile", "phone", "office", "cockpit:read", "cockpit:write", "identity"]


@dataclass(frozen=True)
class World:
    """Input of a loader: units with parents first, people, and the phones with access to the cockpit."""

    units: Sequence[UnitSeed]
    people: Sequence[PersonSeed]
    cockpit: frozenset[str]
    ask_to_agree: bool = False
    """Whether the people agree to privacy policy and terms when they first sign in, as real ones do; those of
    a made-up world have agreed.
    """


class NoWorld(ValueError):
    """The world does not exist or is not available in this mode; the message says which."""


def world(name: str, *, dev: bool, first_admin: PersonSeed | None = None) -> World:
    """Return a world by name. `s`: the 1,017 units and 2,032 fictional people of the acceptance story, in dev
    mode only, because their numbers may be in use. `national`: every office, and the centre's first
    administrator.

    Raises `NoWorld`.
    """
    if name == "s":
        if not dev:
            raise NoWorld("world s has made-up people: dev mode only")
        staff = worlds.centre_staff()
        cockpit = frozenset(person.phone for person in staff if Role.UNIT_ADMIN in person.roles)
        return World(worlds.world_s(), [*staff, *worlds.world_s_people()], cockpit)
    if name == "national":
        if first_admin is None:
            raise NoWorld(
                "name the centre's first administrator: ZHUXUE_IDENTITY_FIRST_ADMIN_PHONE and"
                " ZHUXUE_IDENTITY_FIRST_ADMIN_NAME"
            )
        return World(
            worlds.national_offices(), [first_admin], frozenset({first_admin.phone}), ask_to_agree=True
        )
    raise NoWorld(f"no world named {name!r}: s or national")


def first_admin(phone: str | None, name: str | None) -> PersonSeed | None:
    """Return the centre's first administrator, who is also 签发人, or None without a number.

    Raises `BadPhone`, `BadName`.
    """
    if phone is None:
        return None
    if name is None or not is_real_name(name):
        raise BadName
    return PersonSeed(phone_of(phone), name, CENTRE_CODE, (Role.UNIT_ADMIN, Role.APPROVER))


async def ensure_keys_and_clients(
    session: AsyncSession,
    clock: Clock,
    vault: Vault,
    *,
    service_secrets: dict[str, str],
    redirect_uris: list[str],
    signed_out_uris: Sequence[str] = (),
    exchanges: Mapping[str, Sequence[str]] | None = None,
    workbench: "Workbench | None" = None,
) -> None:
    """Create a signing key if none exists, and register the service clients with the operator's secrets and
    the client of front ends without a server, which people come back to at one of `signed_out_uris` after
    signing out. `workbench`: also register the portal's server.

    `exchanges`: for each service, the scopes at other services for which it may exchange tokens (RFC 8693).
    """
    await session.run_sync(lambda sync: KeyRing(vault).ensure(sync, clock.now()))
    clients = ClientRepository(session)
    for client_id, secret in service_secrets.items():
        scopes = list((exchanges or {}).get(client_id, ()))
        targets = {Audience.of(scope.partition(":")[0]) for scope in scopes}
        await clients.put(
            Client(
                client_id=client_id,
                client_name=f"Zhuxue {client_id}",
                token_endpoint_auth_method="client_secret_basic",
                redirect_uris=[],
                grant_types=["client_credentials", *([TOKEN_EXCHANGE] if scopes else [])],
                scopes=["directory:read", *scopes],
                audiences=sorted({Audience.IDENTITY, *targets}),
                first_party=True,
                registered_at=clock.now(),
                secrets=[
                    ClientSecret(client_id=client_id, secret_hash=secret_hash(secret), created_at=clock.now())
                ],
            )
        )
    await clients.put(
        Client(
            client_id=PORTAL,
            client_name="学生资助工作门户",
            token_endpoint_auth_method="none",
            redirect_uris=redirect_uris,
            post_logout_redirect_uris=list(signed_out_uris),
            grant_types=["authorization_code", "refresh_token"],
            scopes=PEOPLE_SCOPES,
            audiences=list(Audience),
            first_party=True,
            registered_at=clock.now(),
        )
    )

    if workbench is not None:
        await clients.put(workbench.client(clock.now()))
        await clients.put(workbench.walls(clock.now()))


@dataclass(frozen=True)
class Workbench:
    """The server of the portal (`services/portal`): its origin, and its key as 32 bytes."""

    origin: str
    key: bytes

    def client(self, now: datetime) -> Client:
        """Return its registration: pushed requests, tokens bound to keys, notices of ended sessions."""
        return Client(
            client_id=WORKBENCH,
            client_name="学生资助工作门户",
            token_endpoint_auth_method="private_key_jwt",
            jwks=public_jwks(key_of(self.key)),
            redirect_uris=[f"{self.origin}/bff/callback"],
            backchannel_logout_uri=f"{self.origin}/bff/backchannel-logout",
            backchannel_logout_session_required=True,
            grant_types=["authorization_code", "refresh_token"],
            scopes=PEOPLE_SCOPES,
            audiences=list(Audience),
            require_pushed_authorization_requests=True,
            dpop_bound_access_tokens=True,
            first_party=True,
            registered_at=now,
        )

    def walls(self, now: datetime) -> Client:
        """Return the registration of its wall displays: one that is disabled stops them and nobody else."""
        return Client(
            client_id=WALLS,
            client_name="驾驶舱大屏",
            token_endpoint_auth_method="private_key_jwt",
            jwks=public_jwks(key_of(self.key)),
            redirect_uris=[],
            grant_types=[DEVICE_CODE, "refresh_token"],
            scopes=[WALL, "offline_access"],
            audiences=[Audience.COCKPIT],
            dpop_bound_access_tokens=True,
            first_party=True,
            registered_at=now,
        )


async def ensure_development_client(session: AsyncSession, clock: Clock, settings: Settings) -> None:
    """Register the client for local front ends, with all scopes that can be requested for a person.

    Raises `DevModeOnly`.
    """
    await development.register(session, clock, settings, PEOPLE_SCOPES)


async def appoint(
    session: AsyncSession,
    clock: Clock,
    vault: Vault,
    settings: Settings,
    people: Mapping[PlatformRole, tuple[str, str]],
) -> None:
    """Register made-up people, each by phone and name, as the first administrators of the platform, unless
    there are some. They belong to no unit and have agreed to privacy policy and terms.
    """
    audit = AuditLog(session, clock)
    accounts = Accounts(session, clock, vault, Codes(session, clock, vault), audit)
    policies = Policies(session, clock, audit, load_policies(settings.policies_directory))
    await policies.publish()
    for role, (phone, name) in people.items():
        if await Platform(session).count(role) or await accounts.by_phone(phone) is not None:
            continue
        account = await accounts.create(phone, name)
        await policies.load([account.id], clock.now())
        await appointments_for(session, clock, vault, settings).appoint_first(account.id, role, by="operator")


async def give_totp(session: AsyncSession, clock: Clock, vault: Vault, secrets: Mapping[str, str]) -> None:
    """Give made-up people, by phone, a one-time password with a known secret, unless they have one."""
    accounts = Accounts(session, clock, vault, Codes(session, clock, vault), AuditLog(session, clock))
    totps = Totps(AuthenticatorRepository(session), clock, vault, Tries(None))
    for phone, secret in secrets.items():
        account = await accounts.by_phone(phone, lock=True)
        with suppress(TotpPresent):
            if account is not None:
                await totps.enrol(account, secret, code_at(secret, clock.now()))


async def load_world(
    session: AsyncSession,
    clock: Clock,
    vault: Vault,
    settings: Settings,
    chosen: World,
    progress: Callable[[int], object] = lambda _: None,
) -> bool:
    """Load a world into an empty database. Return False if units exist.

    `progress` receives the number of units and people of each step.

    One event makes the other services read the snapshot, instead of one event per unit and person.
    """
    audit = AuditLog(session, clock)
    into = Units(session, clock, audit)
    if await into.count():
        return False
    now = clock.now()
    units = await into.load(chosen.units, now)
    progress(len(units))
    revocations = Revocations(session, clock, settings.access_token_seconds)
    accounts = Accounts(session, clock, vault, Codes(session, clock, vault), audit)
    sessions = Sessions(session, clock, settings, revocations, audit)
    memberships = Memberships(session, clock, accounts, into, Platform(session), sessions, audit)
    entitlements = Entitlements(session, clock, memberships, revocations, audit)
    policies = Policies(session, clock, audit, load_policies(settings.policies_directory))
    await policies.publish()
    for first in range(0, len(chosen.people), _CHUNK):
        part = chosen.people[first : first + _CHUNK]
        subs = await memberships.load(part, units, now)
        entitled = [
            (sub, units[seed.unit_code][0])
            for sub, seed in zip(subs, part, strict=True)
            if seed.phone in chosen.cockpit
        ]
        await entitlements.load(entitled, now)
        if not chosen.ask_to_agree:
            await policies.load(subs, now)
        progress(len(part))
    load_id = new_id()
    outbox.add(
        session,
        DirectoryLoadedV1(load_id=load_id, units=len(units), people=len(chosen.people)),
        subject=load_id,
    )
    return True
