"""Codes to ask with: made, used, used again, revoked, too late."""

from datetime import timedelta

from services.identity.tests.properties.model import Invite, Request
from services.identity.tests.properties.people import ADMIT, LIFETIME, may_ask
from services.identity.tests.properties.world import Action, Outcome, World


async def invite(world: World) -> Outcome:
    by, model = world.an_administrator(), world.model
    unit, roles = world.a_unit_below(by), world.some_roles()
    days, uses = world.dice.choice((1, 7, 30)), world.dice.choice((1, 1, 3))
    allowed = model.manages(by, ADMIT, unit) and model.units[unit].open and model.grants(by, roles)
    body = {"roles": sorted(roles), "days": days, "max_uses": uses}
    answer = await world.call(by, "POST", f"/units/{unit}/invites", body)
    if answer.is_success:
        new, ends = answer.json(), model.now + timedelta(days=days)
        model.invites[new["id"]] = Invite(unit, roles, new["code"], ends, uses)
    return Outcome(allowed, answer.is_success)


async def use_invite(world: World) -> Outcome:
    """A request that is refused for another reason does not use the code up."""
    sub, model = world.somebody(), world.model
    if not model.invites:
        return Outcome(True, True)
    one = model.invites[world.dice.choice(sorted(model.invites))]
    usable = not one.revoked and model.now < one.ends and one.left > 0
    allowed = usable and may_ask(world, sub, one.unit)
    answer = await world.call(sub, "POST", "/join-requests", {"invite_code": one.code})
    if answer.is_success:
        one.left -= 1
        model.requests[answer.json()["id"]] = Request(sub, one.unit, set(one.roles), model.now + LIFETIME)
    return Outcome(allowed, answer.is_success)


async def revoke_invite(world: World) -> Outcome:
    by, model = world.an_administrator(), world.model
    if not model.invites:
        return Outcome(True, True)
    key = world.dice.choice(sorted(model.invites))
    answer = await world.call(by, "POST", f"/invites/{key}/revoke")
    allowed = model.manages(by, ADMIT, model.invites[key].unit)
    if answer.is_success:
        model.invites[key].revoked = True
    return Outcome(allowed, answer.is_success)


ACTIONS: list[Action] = [invite, invite, use_invite, use_invite, use_invite, revoke_invite]
