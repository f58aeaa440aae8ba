"""Somebody has lost their number, and an administrator who has seen them gives them their account back."""

import re

from services.identity.tests.properties.model import Sub, UnitId
from services.identity.tests.properties.world import WHY, Action, Outcome, World
from services.identity.tests.support.phones import sought

ACCOUNTS = "accounts.manage"
ID_NUMBER = "11010519491231002X"


async def ask_for_account(world: World) -> Outcome:
    """The answer is always the same; whether somebody has to decide is seen by those only."""
    sub, model = world.somebody(), world.model
    allowed = model.primary(sub) is not None and sub not in model.recoveries.values()
    key = await lose_number(world, sub)
    if key is not None:
        model.recoveries[key] = sub
    return Outcome(allowed, key is not None)


async def lose_number(world: World, sub: Sub) -> str | None:
    """Ask for a person's account from a new number. Return the request, if there is one to decide now."""
    known = world.people[sub]
    world.number += 1
    phone = f"1371000{world.number:04}"
    asked = await world.http.post("/sms-codes", json={"phone": phone, "purpose": "recover"})
    assert asked.status_code == 202, asked.text
    await world.app.state.sms_dispatcher.caught_up()
    message = next(one for one in reversed(world.app.state.sms.messages) if one.phone == phone)
    (code,) = re.findall(r"\d{6}", message.text)
    body = {
        "phone": phone,
        "ticket": asked.json()["ticket"],
        "code": code,
        "name": known.name,
        "id_number": ID_NUMBER,
        "old_phone": known.phone,
    }
    answer = await world.http.post("/phone-recoveries", json=body)
    assert answer.status_code == 202, answer.text
    await sought(world.app)
    rows = await world.query(
        "SELECT id FROM phone_changes WHERE finished_at IS NULL AND account_id = :sub", sub=sub
    )
    new = [str(row.id) for row in rows if str(row.id) not in world.model.recoveries]
    world.phones |= dict.fromkeys(new, phone)
    return new[0] if new else None


async def decide_recovery(world: World) -> Outcome:
    """By whoever is above all units that the person administers, as about first administrators."""
    by, model = world.an_administrator(), world.model
    if not model.recoveries:
        return Outcome(True, True)
    key = world.dice.choice(sorted(model.recoveries))
    sub = model.recoveries[key]
    act = world.dice.choice(("in person", "in person", "unseen", "reject"))
    administered = [one.unit for one in model.of(sub) if ACCOUNTS in model.permissions_of(one.roles)]
    allowed = (
        model.manages(by, ACCOUNTS, model.primary(sub))
        and by != sub
        and all(_decides(world, by, unit) for unit in administered)
        and (act == "reject" or sub not in model.platform)
        and act != "unseen"
    )
    path = f"/phone-recoveries/{key}/{'reject' if act == 'reject' else 'approve'}"
    body = WHY if act == "reject" else {"in_person": act == "in person"}
    answer = await world.call(by, "POST", path, body)
    if answer.is_success:
        del model.recoveries[key]
        if act != "reject" and model.active(sub):
            world.people[sub].phone = world.phones[key]
            world.signed_out(sub)
    return Outcome(allowed, answer.is_success)


def _decides(world: World, by: Sub, unit: UnitId) -> bool:
    acting = world.model.acting(by)
    top = acting is not None and acting.unit == unit and world.model.units[unit].parent is None
    return top or world.model.is_above(by, unit)


ACTIONS: list[Action] = [ask_for_account, decide_recovery, decide_recovery]
