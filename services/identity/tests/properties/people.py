"""People join, change their roles, are transferred, leave, are suspended; each chooses a unit to act for."""

from datetime import timedelta
from uuid import uuid4

from contracts.office import HandOverCompletedV1
from identity.member_changes.consumers import HandOvers
from messaging.envelope import Envelope
from services.identity.tests.properties.model import ADMIN, Request, Sub
from services.identity.tests.properties.world import WHY, Action, Outcome, World

ADMIT, MANAGE, ACCOUNTS = "members.admit", "members.manage", "accounts.manage"
LIFETIME = timedelta(days=90)


def may_ask(world: World, sub: Sub, unit: str) -> bool:
    """Whether a person may ask to join a unit: an active one of others, and one at a time."""
    model = world.model
    return (
        model.units[unit].open
        and model.may_belong(sub)
        and model.member(sub, unit) is None
        and all(one.sub != sub for one in model.requests.values())
    )


async def ask_to_join(world: World) -> Outcome:
    """Anybody may ask, members of other units and of none."""
    sub, unit, roles = world.somebody(), world.a_unit(), world.some_roles()
    mine = world.model.of(sub)
    leaves = world.dice.choice(mine) if mine and world.dice.random() < 0.3 else None
    body = {"unit_id": unit, "roles": sorted(roles)} | ({"leave_unit_id": leaves.unit} if leaves else {})
    allowed = may_ask(world, sub, unit)
    answer = await world.call(sub, "POST", "/join-requests", body)
    if answer.is_success:
        request = Request(sub, unit, roles, world.model.now + LIFETIME, leaves)
        world.model.requests[answer.json()["id"]] = request
    return Outcome(allowed, answer.is_success)


async def decide(world: World) -> Outcome:
    by, model = world.an_administrator(), world.model
    if not model.requests:
        return Outcome(True, True)
    key = world.prefer(sorted(model.requests), lambda one: model.reaches(by, model.requests[one].unit))
    asked = model.requests[key]
    reject = world.dice.random() < 0.2
    allowed = model.manages(by, ADMIT, asked.unit) and by != asked.sub
    if not reject:
        allowed = (
            allowed
            and model.grants(by, asked.roles)
            and model.may_belong(asked.sub)
            and model.member(asked.sub, asked.unit) is None
            and (asked.leaves is None or (asked.leaves in model.members and model.may_lose(asked.leaves, by)))
        )
    path = f"/join-requests/{key}/{'reject' if reject else 'approve'}"
    answer = await world.call(by, "POST", path, WHY if reject else None)
    if answer.is_success:
        del model.requests[key]
        if not reject:
            model.join(asked.sub, asked.unit, asked.roles)
            if asked.leaves is not None:
                model.leave(asked.leaves)
    return Outcome(allowed, answer.is_success)


async def take_request_back(world: World) -> Outcome:
    if not world.model.requests:
        return Outcome(True, True)
    key = world.dice.choice(sorted(world.model.requests))
    asked = world.model.requests[key]
    concerned = [sub for sub in (asked.sub, asked.by) if sub is not None and world.model.active(sub)]
    sub = world.dice.choice([*concerned, world.somebody()])
    answer = await world.call(sub, "POST", f"/join-requests/{key}/withdraw")
    if answer.is_success:
        del world.model.requests[key]
    return Outcome(sub in (asked.sub, asked.by), answer.is_success)


async def change_roles(world: World) -> Outcome:
    by, roles, model = world.an_administrator(), world.some_roles(), world.model
    target = world.a_member_below(by)
    loses_admin = ADMIN in target.roles - roles
    allowed = (
        model.manages(by, MANAGE, target.unit)
        and by != target.sub
        and model.grants(by, (roles ^ target.roles) - model.retired_roles)
        and (not loses_admin or model.may_lose(target, by))
    )
    path = f"/units/{target.unit}/members/{target.sub}"
    answer = await world.call(by, "PATCH", path, {**WHY, "roles": sorted(roles)})
    if answer.is_success:
        target.roles = roles
    return Outcome(allowed, answer.is_success)


async def remove(world: World) -> Outcome:
    by, model = world.an_administrator(), world.model
    target = world.a_member_below(by)
    allowed = model.manages(by, MANAGE, target.unit) and by != target.sub and model.may_lose(target, by)
    answer = await world.call(by, "POST", f"/units/{target.unit}/members/{target.sub}/end", WHY)
    if answer.is_success:
        model.leave(target)
    return Outcome(allowed, answer.is_success)


async def transfer(world: World) -> Outcome:
    by, unit, model = world.an_administrator(), world.a_unit(), world.model
    target = world.a_member_below(by)
    allowed = model.manages(by, MANAGE, target.unit) and by != target.sub and may_ask(world, target.sub, unit)
    path = f"/units/{target.unit}/members/{target.sub}/transfer"
    answer = await world.call(by, "POST", path, {"to_unit_id": unit, "roles": ["handler"]})
    if answer.is_success:
        request = Request(target.sub, unit, {"handler"}, model.now + LIFETIME, target, by)
        model.requests[answer.json()["id"]] = request
    return Outcome(allowed, answer.is_success)


async def leave(world: World) -> Outcome:
    sub, model = world.somebody(), world.model
    mine = model.of(sub)
    if not mine:
        return Outcome(True, True)
    chosen = world.dice.choice(mine)
    allowed = not chosen.leaving and model.may_lose(chosen, None)
    answer = await world.call(sub, "POST", "/me/leave", {**WHY, "unit_id": chosen.unit})
    if answer.is_success:
        chosen.leaving = True
    return Outcome(allowed, answer.is_success)


async def hand_over(world: World) -> Outcome:
    """Office acknowledges what is open."""
    state = world.app.state
    for row in await world.query(
        "SELECT id, account_id, unit_id, membership_id FROM hand_overs WHERE completed_at IS NULL"
    ):
        event = HandOverCompletedV1(
            hand_over_id=row.id,
            sub=row.account_id,
            unit_id=row.unit_id,
            items=0,
            completed_at=world.clock.now(),
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
        member = world.model.member(str(row.account_id), str(row.unit_id))
        if member is not None and member.leaving:
            world.model.leave(member)
    return Outcome(True, True)


async def suspend(world: World) -> Outcome:
    by, model = world.an_administrator(), world.model
    sub, acting = world.a_person_below(by), model.acting(by)
    allowed = (
        model.manages(by, ACCOUNTS, model.primary(sub))
        and by != sub
        and model.active(sub)
        and sub not in model.platform
        and acting is not None
        and bool(model.staying(acting.unit, sub))
        and model.may_be_suspended(sub)
    )
    answer = await world.call(by, "POST", f"/accounts/{sub}/suspend", WHY)
    if answer.is_success and acting is not None:
        world.signed_out(sub)
        model.suspended[sub] = model.chain(acting.unit)
    return Outcome(allowed, answer.is_success)


async def restore(world: World) -> Outcome:
    by, model = world.an_administrator(), world.model
    if not model.suspended:
        return Outcome(True, True)
    sub = world.prefer(sorted(model.suspended), lambda one: model.suspended[one] != ())
    place, acting = model.suspended[sub], model.acting(by)
    allowed = (
        model.manages(by, ACCOUNTS, model.primary(sub))
        and acting is not None
        and place[: len(model.chain(acting.unit))] == model.chain(acting.unit)
    )
    answer = await world.call(by, "POST", f"/accounts/{sub}/restore", WHY)
    if answer.is_success:
        del model.suspended[sub]
    return Outcome(allowed, answer.is_success)


async def choose_unit(world: World) -> Outcome:
    """To act for in this browser, or as the primary one."""
    sub, model = world.somebody(), world.model
    mine = model.of(sub)
    unit = world.dice.choice(mine).unit if mine and world.dice.random() < 0.8 else world.a_unit()
    member = model.member(sub, unit)
    path = world.dice.choice(("/me/acting-unit", "/me/primary-unit"))
    answer = await world.call(sub, "POST", path, {"unit_id": unit})
    if answer.is_success and member is not None:
        if path == "/me/acting-unit":
            model.chosen[sub] = member
        else:
            for one in mine:
                one.primary = one is member
    return Outcome(member is not None, answer.is_success)


ACTIONS: list[Action] = [
    *(ask_to_join, ask_to_join, ask_to_join, decide, decide, decide, decide, take_request_back),
    *(change_roles, change_roles, remove, transfer, leave, hand_over),
    *(suspend, restore, restore, choose_unit, choose_unit),
]
