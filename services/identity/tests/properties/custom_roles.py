"""Roles that the platform defines: proposed, confirmed by a second person, changed, retired."""

from services.identity.tests.properties.model import Powers, RoleChange, Sub
from services.identity.tests.properties.world import WHY, Action, Outcome, World

DEFINE = "platform.roles"
OF_UNITS = (
    *("units.manage", "members.read", "members.admit", "members.manage", "accounts.manage"),
    *("entitlements.grant", "notices.draft", "notices.issue", "figures.contribute"),
)
BUILT_IN = ("unit_admin", "handler", "reviewer", "approver")


def _an_administrator(world: World) -> Sub:
    """Mostly one of the platform's."""
    able = [sub for sub in world.people if world.model.active(sub)]
    return world.prefer(able, lambda sub: sub in world.model.platform)


def _some_powers(world: World) -> Powers:
    """Mostly such that a role in a unit may have."""
    permissions = world.dice.sample(OF_UNITS, world.dice.randint(1, 3))
    if world.dice.random() < 0.1:
        permissions.append("platform.accounts")
    return Powers(frozenset(permissions), frozenset(world.dice.sample(OF_UNITS, world.dice.randint(0, 2))))


async def propose_role(world: World) -> Outcome:
    """A new one, or a change of an old one; built-in ones stay as they are."""
    by, model, powers = _an_administrator(world), world.model, _some_powers(world)
    known = sorted({*model.powers, *model.retired_roles})
    code = world.dice.choice(known) if world.dice.random() < 0.5 else f"custom_{world.dice.randrange(3)}"
    new = code not in known and world.dice.random() < 0.9
    allowed = (
        model.may(by, DEFINE)
        and (new or (code in model.powers and code not in BUILT_IN))
        and "platform.accounts" not in powers.permissions
        and all(one.code != code for one in model.role_changes.values())
    )
    world.number += 1
    body = {
        **WHY,
        "name": f"角色{world.number}",
        "permissions": sorted(powers.permissions),
        "may_grant": sorted(powers.may_grant),
    }
    if new:
        answer = await world.call(by, "POST", "/platform/roles", {**body, "code": code})
    else:
        answer = await world.call(by, "PUT", f"/platform/roles/{code}", body)
    if answer.is_success:
        change = RoleChange(code, powers, by, model.platform[by], new)
        model.role_changes[answer.json()["id"]] = change
    return Outcome(allowed, answer.is_success)


async def decide_role(world: World) -> Outcome:
    by, model = _an_administrator(world), world.model
    if not model.role_changes:
        return Outcome(True, True)
    key = world.dice.choice(sorted(model.role_changes))
    one = model.role_changes[key]
    refuse = world.dice.random() < 0.2
    allowed = by in model.platform and (refuse or (by != one.by and model.platform[by] != one.by_role))
    answer = await world.call(by, "POST", f"/platform/role-changes/{key}/{'refuse' if refuse else 'confirm'}")
    if answer.is_success:
        del model.role_changes[key]
        if not refuse:
            model.powers[one.code] = one.powers
    return Outcome(allowed, answer.is_success)


async def retire_role(world: World) -> Outcome:
    """It gives nothing any more, also to those who keep it; what was proposed about it is refused."""
    by, model = _an_administrator(world), world.model
    code = world.prefer(sorted({*model.powers, *model.retired_roles}), lambda one: one not in BUILT_IN)
    allowed = model.may(by, DEFINE) and code in model.powers and code not in BUILT_IN
    answer = await world.call(by, "POST", f"/platform/roles/{code}/retire", WHY)
    if answer.is_success:
        del model.powers[code]
        model.retired_roles.add(code)
        for key in [key for key, one in model.role_changes.items() if one.code == code]:
            del model.role_changes[key]
    return Outcome(allowed, answer.is_success)


ACTIONS: list[Action] = [propose_role, propose_role, decide_role, decide_role, retire_role]
