"""Random administration by random people, compared with a reference model after every action.

Whatever they try: no action succeeds outside the actor's reach or beyond their roles, no active unit ends
without an active administrator at or above it, the tree is a tree, and memberships are consistent. At the end
every action is in the audit log, which verifies.

The people act with what a new token would say. Tokens themselves have tests of their own.
"""

import random
from collections import Counter
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from datetime import timedelta
from uuid import UUID, uuid4

import httpx
import pytest
from fastapi import FastAPI, Request
from sqlalchemy import text

from authkit.dependencies import authenticated
from authkit.principal import Acting, Principal
from contracts.office import HandOverCompletedV1
from identity import bootstrap
from identity.auditing.jobs import seal_due
from identity.auditing.verification import Verifier
from identity.staff.consumers import HandOvers
from identity.units import worlds
from messaging.envelope import Envelope
from services.identity.tests.properties.model import ADMIN, ROLES, Member, Model
from services.identity.tests.properties.model import Request as Asked
from services.identity.tests.support.running_identity import filled
from testkit.clock import FrozenClock
from testkit.postgres import Migration

CODES = {"100000", "370000", "370200", "370100", "370300", "370102", "370103", "370202", "370203"}
STEPS = 60
WHY = {"reason": "组织调整"}


async def _small_country(url: str) -> None:
    units = [unit for unit in worlds.world_s() if unit.code in CODES]
    everybody = [*worlds.centre_staff(), *worlds.world_s_people()]
    people = [person for person in everybody if person.unit_code in CODES]
    await filled(url, bootstrap.World(units, people, frozenset()))


@pytest.fixture
def prepared() -> Migration:
    return _small_country


@pytest.fixture
async def http(app: FastAPI) -> AsyncIterator[httpx.AsyncClient]:
    """A client whose callers name themselves and the unit they act for."""

    async def principal(request: Request) -> Principal:
        return await _principal(app, request.headers["x-sub"], request.headers["x-unit"])

    app.dependency_overrides[authenticated] = principal
    transport = httpx.ASGITransport(app=app)
    async with httpx.AsyncClient(transport=transport, base_url="http://localhost:8001/api/v1") as client:
        yield client
    app.dependency_overrides.clear()


_PRINCIPAL = text(
    """
    SELECT u.path::text AS path, u.level, u.kind, m.roles,
           ARRAY(SELECT unnest(r.permissions) FROM roles r WHERE r.code = ANY (m.roles)) AS permissions
    FROM memberships m JOIN units u ON u.id = m.unit_id
    WHERE m.account_id = :sub AND m.unit_id = :unit AND m.ended_at IS NULL AND u.status = 'active'
    """
)


async def _principal(app: FastAPI, sub: str, unit: str) -> Principal:
    now = app.state.clock.now()
    async with app.state.database.transaction() as session:
        row = (await session.execute(_PRINCIPAL, {"sub": sub, "unit": unit})).one_or_none()
    acting = None
    if row is not None:
        acting = Acting(UUID(unit), row.path, row.level, row.kind, frozenset(row.roles))
    return Principal(
        sub=sub,
        client_id="portal",
        scope=frozenset({"identity"}),
        issued_at=now,
        expires_at=now + timedelta(minutes=5),
        jti=str(uuid4()),
        acting=acting,
        permissions=frozenset() if row is None else frozenset(row.permissions),
    )


@dataclass
class World:
    """The running service, its model, and people who try things at random."""

    app: FastAPI
    http: httpx.AsyncClient
    model: Model
    dice: random.Random
    people: list[str]
    outcomes: Counter[tuple[str, bool]] = field(default_factory=Counter)
    log: list[str] = field(default_factory=list)
    opened: int = 0

    async def call(self, actor: Member, method: str, path: str, body: object = None) -> httpx.Response:
        headers = {"x-sub": actor.sub, "x-unit": actor.unit, "if-match": "*"}
        answer = await self.http.request(method, path, headers=headers, json=body)
        self.log.append(f"{actor.sub[-6:]}@{actor.unit[-6:]} {method} {path} {body} → {answer.status_code}")
        assert answer.status_code < 500, answer.text
        assert answer.status_code != 422, answer.text
        return answer

    def a_unit(self) -> str:
        return self.dice.choice([unit for unit in self.model.parent if unit not in self.model.closed])

    def some_roles(self) -> set[str]:
        return set(self.dice.sample(ROLES, self.dice.randint(1, 2)))

    def an_actor(self) -> Member:
        able = [one for one in self.model.members if one.sub not in self.model.suspended]
        # Mostly administrators, and mostly high up, because others are refused almost everything.
        admins = [one for one in able if ADMIN in one.roles]
        chosen = [self.dice.choice(admins if self.dice.random() < 0.9 else able) for _ in range(3)]
        return min(chosen, key=lambda one: len(self.model.above(one.unit)))

    # --- actions: each returns whether it was allowed and whether it succeeded ---

    async def open_unit(self, actor: Member) -> tuple[bool, bool]:
        parent = self.a_unit()
        self.opened += 1
        body = {
            "parent_id": parent,
            "code": f"S{self.dice.randrange(10**8):08}",
            "name": f"新建小学{self.opened}",
            "level": "school",
            "kind": "school",
            "stages": ["compulsory"],
        }
        answer = await self.call(actor, "POST", "/units", body)
        if answer.is_success:
            self.model.parent[answer.json()["id"]] = parent
        return self.model.administers(actor.sub, actor.unit, parent), answer.is_success

    async def move_unit(self, actor: Member) -> tuple[bool, bool]:
        unit, parent = self.a_unit(), self.a_unit()
        allowed = (
            self.model.administers(actor.sub, actor.unit, unit)
            and self.model.reaches(actor.unit, parent)
            and unit != actor.unit
            and not self.model.reaches(unit, parent)
        )
        answer = await self.call(actor, "POST", f"/units/{unit}/move", {**WHY, "parent_id": parent})
        if answer.is_success:
            self.model.parent[unit] = parent
        return allowed, answer.is_success

    async def merge_unit(self, actor: Member) -> tuple[bool, bool]:
        unit, into = self.a_unit(), self.a_unit()
        allowed = (
            self.model.administers(actor.sub, actor.unit, unit)
            and self.model.reaches(actor.unit, into)
            and actor.unit != unit
            and unit != into
        )
        answer = await self.call(actor, "POST", f"/units/{unit}/merge", {**WHY, "into_id": into})
        if answer.is_success:
            self.model.merge(unit, into)
        return allowed, answer.is_success

    async def close_unit(self, actor: Member) -> tuple[bool, bool]:
        unit = self.a_unit()
        below = [child for child, parent in self.model.parent.items() if parent == unit]
        allowed = (
            self.model.administers(actor.sub, actor.unit, unit)
            and actor.unit != unit
            and all(child in self.model.closed for child in below)
        )
        answer = await self.call(actor, "POST", f"/units/{unit}/close", WHY)
        if answer.is_success:
            self.model.close(unit)
        return allowed, answer.is_success

    async def ask_to_join(self, actor: Member) -> tuple[bool, bool]:
        """Anybody may ask, members of other units and of none."""
        sub, unit, roles = self.dice.choice(self.people), self.a_unit(), self.some_roles()
        if sub in self.model.suspended:
            return True, False
        mine = [one.unit for one in self.model.of(sub)]
        leaves = self.dice.choice(mine) if mine and self.dice.random() < 0.3 else None
        body = {"unit_id": unit, "roles": sorted(roles)} | ({"leave_unit_id": leaves} if leaves else {})
        person = Member(sub, mine[0] if mine else unit, set(), primary=False)
        answer = await self.call(person, "POST", "/join-requests", body)
        if answer.is_success:
            self.model.requests[answer.json()["id"]] = Asked(sub, unit, roles, leaves)
        free = unit not in mine and all(one.sub != sub for one in self.model.requests.values())
        return free or answer.is_success, answer.is_success

    async def decide(self, actor: Member) -> tuple[bool, bool]:
        if not self.model.requests:
            return True, False
        request_id = self.dice.choice(sorted(self.model.requests))
        request = self.model.requests[request_id]
        allowed = self.model.administers(actor.sub, actor.unit, request.unit) and actor.sub != request.sub
        reject = self.dice.random() < 0.2
        path = f"/join-requests/{request_id}/{'reject' if reject else 'approve'}"
        answer = await self.call(actor, "POST", path, WHY if reject else None)
        if answer.is_success and reject:
            del self.model.requests[request_id]
        elif answer.is_success:
            self.model.approve(request_id)
        return allowed, answer.is_success

    async def change_roles(self, actor: Member) -> tuple[bool, bool]:
        target, roles = self.dice.choice(self.model.members), self.some_roles()
        allowed = self.model.administers(actor.sub, actor.unit, target.unit) and actor.sub != target.sub
        path = f"/units/{target.unit}/members/{target.sub}"
        answer = await self.call(actor, "PATCH", path, {**WHY, "roles": sorted(roles)})
        if answer.is_success:
            target.roles = roles
        return allowed, answer.is_success

    async def remove(self, actor: Member) -> tuple[bool, bool]:
        target = self.dice.choice(self.model.members)
        allowed = self.model.administers(actor.sub, actor.unit, target.unit) and actor.sub != target.sub
        path = f"/units/{target.unit}/members/{target.sub}/end"
        answer = await self.call(actor, "POST", path, WHY)
        if answer.is_success:
            self.model.end(target.sub, target.unit)
        return allowed, answer.is_success

    async def transfer(self, actor: Member) -> tuple[bool, bool]:
        target, unit = self.dice.choice(self.model.members), self.a_unit()
        allowed = self.model.administers(actor.sub, actor.unit, target.unit) and actor.sub != target.sub
        path = f"/units/{target.unit}/members/{target.sub}/transfer"
        answer = await self.call(actor, "POST", path, {"to_unit_id": unit, "roles": ["handler"]})
        if answer.is_success:
            asked = Asked(target.sub, unit, {"handler"}, target.unit)
            self.model.requests[answer.json()["id"]] = asked
        return allowed, answer.is_success

    async def leave(self, actor: Member) -> tuple[bool, bool]:
        answer = await self.call(actor, "POST", "/me/leave", {**WHY, "unit_id": actor.unit})
        if answer.is_success:
            self.model.leaving.add((actor.sub, actor.unit))
        others = [
            sub
            for sub in self.model.administrators(actor.unit)
            if sub != actor.sub and (sub, actor.unit) not in self.model.leaving
        ]
        return ADMIN not in actor.roles or bool(others), answer.is_success

    async def hand_over(self, _: Member) -> tuple[bool, bool]:
        """Office acknowledges what is open."""
        state = self.app.state
        async with state.database.transaction() as session:
            query = text("SELECT id, account_id, unit_id FROM hand_overs WHERE completed_at IS NULL")
            rows = (await session.execute(query)).all()
        for row in rows:
            event = HandOverCompletedV1(
                hand_over_id=row.id,
                sub=row.account_id,
                unit_id=row.unit_id,
                items=0,
                completed_at=state.clock.now(),
            )
            envelope = Envelope(
                id=uuid4(),
                source="/zhuxue/office",
                type=event.type,
                subject=str(row.id),
                time=event.completed_at,
                data={},
            )
            async with state.database.transaction() as session:
                handler = HandOvers(state.settings, state.vault, state.clock)
                await handler.handle(session, event, envelope)
            if (str(row.account_id), str(row.unit_id)) in self.model.leaving:
                self.model.end(str(row.account_id), str(row.unit_id))
        return True, bool(rows)

    async def suspend(self, actor: Member) -> tuple[bool, bool]:
        sub = self.dice.choice(self.people)
        unit = self.model.primary(sub)
        allowed = (
            unit is not None and self.model.administers(actor.sub, actor.unit, unit) and actor.sub != sub
        )
        answer = await self.call(actor, "POST", f"/accounts/{sub}/suspend", WHY)
        if answer.is_success:
            self.model.suspended[sub] = actor.unit
        return allowed, answer.is_success

    async def restore(self, actor: Member) -> tuple[bool, bool]:
        if not self.model.suspended:
            return True, False
        sub = self.dice.choice(sorted(self.model.suspended))
        unit, by = self.model.primary(sub), self.model.suspended[sub]
        allowed = (
            unit is not None
            and self.model.administers(actor.sub, actor.unit, unit)
            and self.model.reaches(actor.unit, by)
        )
        answer = await self.call(actor, "POST", f"/accounts/{sub}/restore", WHY)
        if answer.is_success:
            del self.model.suspended[sub]
        return allowed, answer.is_success

    # --- what must hold after each action ---

    async def check(self) -> None:
        async with self.app.state.database.transaction() as session:
            units = (
                await session.execute(
                    text("SELECT id, parent_id, code, path::text AS path, status FROM units")
                )
            ).all()
            members = (
                await session.execute(
                    text(
                        "SELECT account_id, unit_id, roles, is_primary FROM memberships"
                        " WHERE ended_at IS NULL"
                    )
                )
            ).all()
        by_id = {str(unit.id): unit for unit in units}
        assert {str(one.id) for one in units if one.status == "closed"} == self.model.closed
        for unit_id, parent_id in self.model.parent.items():
            unit = by_id[unit_id]
            if unit_id not in self.model.closed:
                assert (None if unit.parent_id is None else str(unit.parent_id)) == parent_id
                above = "" if parent_id is None else by_id[parent_id].path + "."
                assert unit.path == above + unit.code
                assert parent_id not in self.model.closed
                assert any(self.model.administrators(one) for one in self.model.above(unit_id)), unit.code
        assert {
            (str(one.account_id), str(one.unit_id), frozenset(one.roles), one.is_primary) for one in members
        } == {(one.sub, one.unit, frozenset(one.roles), one.primary) for one in self.model.members}
        assert not any(one.unit in self.model.closed for one in self.model.members)
        for sub in self.people:
            mine = self.model.of(sub)
            assert sum(one.primary for one in mine) == min(len(mine), 1)


async def begun(app: FastAPI, http: httpx.AsyncClient, seed: int) -> World:
    dice = random.Random(seed)
    async with app.state.database.transaction() as session:
        units = (await session.execute(text("SELECT id, parent_id FROM units ORDER BY path"))).all()
        members = (
            await session.execute(
                text("SELECT account_id, unit_id, roles FROM memberships ORDER BY started_at, id")
            )
        ).all()
    model = Model({str(one.id): None if one.parent_id is None else str(one.parent_id) for one in units})
    for one in members:
        model.join(str(one.account_id), str(one.unit_id), set(one.roles))
    return World(app, http, model, dice, sorted({one.sub for one in model.members}))


@pytest.mark.parametrize("seed", range(4))
async def test_no_action_succeeds_outside_reach_and_no_unit_is_left_without_an_administrator(
    app: FastAPI, http: httpx.AsyncClient, clock: FrozenClock, seed: int
) -> None:
    world = await begun(app, http, seed)
    actions = [
        *(world.open_unit, world.move_unit, world.merge_unit, world.close_unit),
        *([world.ask_to_join] * 3 + [world.decide] * 4),
        *(world.change_roles, world.change_roles, world.remove, world.transfer),
        *(world.leave, world.hand_over, world.suspend, world.restore, world.restore),
    ]
    try:
        for _ in range(STEPS):
            clock.advance(timedelta(seconds=1))
            action = world.dice.choice(actions)
            allowed, succeeded = await action(world.an_actor())
            assert allowed or not succeeded, f"{action.__name__} succeeded and was not allowed"
            world.outcomes[action.__name__, succeeded] += 1
            await world.check()
    except AssertionError:
        print("\n".join(world.log))
        raise
    done = sum(count for (_, succeeded), count in world.outcomes.items() if succeeded)
    assert done > STEPS / 5, world.outcomes
    # The end of a hand-over is told by Office; it is recorded only if somebody leaves with it.
    assert await _verified(app, clock) >= done - world.outcomes["hand_over", True]


async def _verified(app: FastAPI, clock: FrozenClock) -> int:
    """Seal the audit log, verify it, and return the number of its rows."""
    clock.advance(timedelta(hours=1))
    await seal_due(app.state.database, app.state.key_ring, clock)
    verifier = Verifier(app.state.database, app.state.key_ring, clock)
    assert [finding async for finding in verifier.findings()] == []
    assert verifier.summary.unsealed == 0
    return verifier.summary.rows
