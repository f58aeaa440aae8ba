"""The running service beside its model, and people who try things at random.

People act with what a new token would say: it is read with the statement that fills tokens. Tokens themselves
have tests of their own.
"""

import random
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, TypeVar
from uuid import UUID, uuid4

import httpx
from fastapi import FastAPI, Request
from sqlalchemy import Uuid, case, literal, select, text

from authkit.acr import MFA, SMS
from authkit.dependencies import authenticated
from authkit.principal import Acting, Principal
from contracts.vocabulary import PlatformRole
from identity import bootstrap
from identity.accounts.models import Account
from identity.accounts.service import PHONE, Accounts
from identity.audit.service import AuditLog
from identity.codes.service import Codes
from identity.oauth.state.repository import SUBJECT, with_subject
from identity.oauth.state.subject import Subject
from identity.platform import rules as platform_rules
from identity.sessions.models import BrowserSession
from identity.units import worlds
from identity.units.changes import day_of
from servicekit.ids import new_id
from services.identity.tests.properties.model import (
    ADMIN,
    Member,
    Model,
    Powers,
    Sub,
    Token,
    Unit,
    UnitId,
)
from services.identity.tests.support.running_identity import filled
from testkit.clock import FrozenClock

CODES = {"100000", "370000", "370200", "370100", "370300", "370102", "370103", "370202", "370203"}
T = TypeVar("T")
WHY = {"reason": "组织调整"}


async def small_country(url: str) -> None:
    """The centre, a province, three cities and four counties, with their people."""
    units = [unit for unit in worlds.world_s() if unit.code in CODES]
    everybody = [*worlds.centre_staff(), *worlds.world_s_people()]
    people = [person for person in everybody if person.unit_code in CODES]
    await filled(url, bootstrap.World(units, people, frozenset()))


@dataclass
class Known:
    """What a person knows of themselves."""

    name: str
    phone: str


@dataclass
class Outcome:
    """What the model says about an action, and what the service did."""

    allowed: bool
    succeeded: bool


@dataclass
class World:
    """The service, its model, and what happens."""

    app: FastAPI
    http: httpx.AsyncClient
    clock: FrozenClock
    model: Model
    dice: random.Random
    people: dict[Sub, Known]
    sessions: dict[Sub, UUID] = field(default_factory=dict)
    imports: dict[str, Any] = field(default_factory=dict)
    """Files that have been checked; the rules of imports know what they are."""
    phones: dict[str, str] = field(default_factory=dict)
    """The new number of each recovery."""
    outcomes: Counter[tuple[str, bool]] = field(default_factory=Counter)
    log: list[str] = field(default_factory=list)
    number: int = 0
    """Counts what gets a name or a code of its own."""

    # --- what people do ---

    async def call(
        self, sub: Sub, method: str, path: str, body: object = None, **more: Any
    ) -> httpx.Response:
        """A request of a person, which is never a fault of the service or of this test."""
        headers = {"x-sub": sub, "if-match": "*"}
        answer = await self.http.request(method, path, headers=headers, json=body, **more)
        acting = self.model.acting(sub)
        place = "-" if acting is None else self.model.units[acting.unit].code
        code = "" if answer.is_success else answer.json().get("code", "")
        self.log.append(f"{sub[-6:]}@{place} {method} {path} {body or '-'} → {answer.status_code} {code}")
        assert answer.status_code < 500, answer.text
        assert answer.status_code != 422, answer.text
        return answer

    async def query(self, statement: str, **values: Any) -> Sequence[Any]:
        async with self.app.state.database.transaction() as session:
            return list((await session.execute(text(statement), values)).all())

    # --- choices ---

    def a_unit(self) -> UnitId:
        """Mostly an active one."""
        active = [unit for unit, of in self.model.units.items() if of.open]
        return self.dice.choice(active if self.dice.random() < 0.95 else list(self.model.units))

    def prefer(self, of: Iterable[T], good: Callable[[T], bool]) -> T:
        """Mostly one of the good ones."""
        every = list(of)
        chosen = [one for one in every if good(one)]
        return self.dice.choice(chosen if chosen and self.dice.random() < 0.75 else every)

    def a_unit_below(self, sub: Sub) -> UnitId:
        """Mostly an active one that a person reaches."""
        units = self.model.units
        return self.prefer(units, lambda unit: units[unit].open and self.model.reaches(sub, unit))

    def a_member_below(self, sub: Sub) -> Member:
        """Mostly one that a person reaches."""
        return self.prefer(self.model.members, lambda one: self.model.reaches(sub, one.unit))

    def a_person_below(self, sub: Sub) -> Sub:
        """Mostly one whose account a person decides about."""

        def good(other: Sub) -> bool:
            unit = self.model.primary(other)
            return unit is not None and self.model.reaches(sub, unit)

        return self.prefer(self.people, good)

    def some_roles(self) -> set[str]:
        return set(self.dice.sample(sorted(self.model.powers), self.dice.randint(1, 2)))

    def somebody(self) -> Sub:
        return self.dice.choice([sub for sub in self.people if self.model.active(sub)])

    def an_administrator(self) -> Sub:
        """Mostly administrators, and mostly high up, because others are refused almost everything."""
        able = [sub for sub in self.people if self.model.active(sub)]
        admins = [sub for sub in able if ADMIN in self.model.token(sub).roles]

        def depth(sub: Sub) -> int:
            acting = self.model.acting(sub)
            return 9 if acting is None else len(self.model.above(acting.unit))

        return min(
            (self.dice.choice(admins if self.dice.random() < 0.9 else able) for _ in range(2)), key=depth
        )

    def a_member(self) -> Member:
        return self.dice.choice(self.model.members)

    # --- sessions and tokens ---

    async def sign_everybody_in(self) -> None:
        """Those who can and have no session get one, without the steps of signing in."""
        now = self.clock.now()
        missing = [sub for sub in self.people if sub not in self.sessions and self.model.active(sub)]
        async with self.app.state.database.transaction() as session:
            for sub in missing:
                self.sessions[sub] = new_id()
                session.add(
                    BrowserSession(
                        id=self.sessions[sub],
                        account_id=UUID(sub),
                        secret_hash=self.sessions[sub].bytes,
                        begun_at=now,
                        authenticated_at=now,
                        last_seen_at=now,
                        acr=SMS,
                        amr=["sms"],
                    )
                )

    def signed_out(self, sub: Sub) -> None:
        self.sessions.pop(sub, None)
        self.model.chosen.pop(sub, None)

    async def subjects(self, subs: Sequence[Sub]) -> dict[Sub, Subject]:
        """What new tokens would say."""
        sids = {UUID(sub): self.sessions[sub] for sub in subs if sub in self.sessions}
        sid = case(*((Account.id == sub, literal(one, Uuid)) for sub, one in sids.items()), else_=None)
        statement = with_subject(select(*SUBJECT).select_from(Account), sid=sid).where(
            Account.id.in_([UUID(sub) for sub in subs])
        )
        async with self.app.state.database.transaction() as session:
            rows = (await session.execute(statement, {"at": self.clock.now()})).all()
        return {str(row.person_id): Subject.of(row) for row in rows}

    async def principal(self, sub: Sub) -> Principal:
        found, now = (await self.subjects([sub]))[sub], self.clock.now()
        acting = found.acting
        return Principal(
            sub=sub,
            client_id="portal",
            scope=frozenset({"identity"}),
            issued_at=now,
            expires_at=now + timedelta(minutes=5),
            jti=str(uuid4()),
            sid=str(self.sessions[sub]),
            acr=MFA,
            auth_time=now,
            acting=None
            if acting is None
            else Acting(acting.unit, acting.path, acting.level, acting.kind, frozenset(acting.roles)),
            entitlements=frozenset(found.entitlements),
            permissions=frozenset(found.permissions),
            platform_role=found.platform_role,
        )


Action = Callable[[World], Awaitable[Outcome]]
"""Something that somebody tries."""


def token_of(found: Subject) -> Token:
    """A token in the terms of the model."""
    acting = found.acting
    return Token(
        found.active,
        None if acting is None else str(acting.unit),
        frozenset() if acting is None else frozenset(acting.roles),
        frozenset(found.permissions),
        frozenset(found.entitlements),
        found.platform_role,
    )


@asynccontextmanager
async def begun(app: FastAPI, clock: FrozenClock, seed: int) -> AsyncIterator[World]:
    """Read the state into a model, appoint the platform's first three, and sign everybody in."""
    await _newcomers(app)
    transport = httpx.ASGITransport(app=app)
    async with httpx.AsyncClient(transport=transport, base_url="http://localhost:8001/api/v1") as http:
        world = World(app, http, clock, await _model(app, clock), random.Random(seed), await _people(app))

        async def principal(request: Request) -> Principal:
            sub = request.headers.get("x-sub")
            return _office(clock) if sub is None else await world.principal(sub)

        app.dependency_overrides[authenticated] = principal
        try:
            await _appoint(world)
            await world.sign_everybody_in()
            yield world
        finally:
            app.dependency_overrides.clear()


def _office(clock: FrozenClock) -> Principal:
    """A service that reads the snapshot."""
    now = clock.now()
    return Principal(
        "office", "office", frozenset({"directory:read"}), now, now + timedelta(minutes=5), "office"
    )


async def _model(app: FastAPI, clock: FrozenClock) -> Model:
    async with app.state.database.transaction() as session:

        async def rows(statement: str) -> Sequence[Any]:
            return list((await session.execute(text(statement))).all())

        units = await rows("SELECT id, parent_id, code, level, kind, region_code FROM units ORDER BY path")
        members = await rows("SELECT account_id, unit_id, roles FROM memberships ORDER BY started_at, id")
        roles = await rows("SELECT code, permissions, may_grant FROM roles")
    model = Model(
        units={
            str(one.id): Unit(
                one.code,
                None if one.parent_id is None else str(one.parent_id),
                one.level,
                one.kind,
                one.region_code,
            )
            for one in units
        },
        powers={one.code: Powers(frozenset(one.permissions), frozenset(one.may_grant)) for one in roles},
        platform_powers=platform_rules.PERMISSIONS,
        now=clock.now(),
    )
    for one in members:
        model.join(str(one.account_id), str(one.unit_id), set(one.roles))
    model.keep_day(day_of(clock.now()))
    return model


async def _newcomers(app: FastAPI) -> None:
    """Some who have registered and belong to no unit, beside the people of the units."""
    state = app.state
    async with state.database.transaction() as session:
        audit = AuditLog(session, state.clock)
        accounts = Accounts(
            session, state.clock, state.vault, Codes(session, state.clock, state.vault), audit
        )
        for number in range(8):
            await accounts.create(f"1381000{number:04}", f"新来者{'甲乙丙丁戊己庚辛'[number]}")


async def _people(app: FastAPI) -> dict[Sub, Known]:
    async with app.state.database.transaction() as session:
        accounts = (await session.scalars(select(Account).order_by(Account.id))).all()
    vault = app.state.vault
    return {str(one.id): Known(one.name, vault.open(PHONE, one.phone_sealed)) for one in accounts}


async def _appoint(world: World) -> None:
    """Three who belong to no unit become the platform's administrators, as by the operator's command."""
    free = [sub for sub in world.people if world.model.is_free(sub)]
    for role, sub in zip(PlatformRole, world.dice.sample(free, 3), strict=True):
        async with world.app.state.database.transaction() as session:
            await session.execute(
                text(
                    "INSERT INTO platform_roles (account_id, role, appointed_at) VALUES (:sub, :role, :now)"
                ),
                {"sub": UUID(sub), "role": role.value, "now": world.clock.now()},
            )
        world.model.platform[sub] = role.value


def later(now: datetime, **period: float) -> str:
    return (now + timedelta(**period)).isoformat()
