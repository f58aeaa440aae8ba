"""What must hold after each action, and at the end."""

from datetime import timedelta
from typing import Any

from identity.audit_review.jobs import seal_due
from identity.audit_review.verification import Verifier
from identity.units.changes import day_of
from services.identity.tests.properties.model import Place, UnitId
from services.identity.tests.properties.world import World, token_of


async def after_an_action(world: World) -> None:
    await units_are_a_tree_with_administrators(world)
    await memberships_are_those_of_the_model(world)
    await tokens_say_what_the_model_says(world)


async def units_are_a_tree_with_administrators(world: World) -> None:
    model = world.model
    rows = await world.query(
        "SELECT id, parent_id, code, path::text AS path, status, level, kind, region_code FROM units"
    )
    by_id = {str(one.id): one for one in rows}
    assert by_id.keys() == model.units.keys()
    for id_, of in model.units.items():
        unit = by_id[id_]
        assert (unit.code, unit.level, unit.kind, unit.region_code) == (of.code, of.level, of.kind, of.region)
        assert (unit.status == "active") == of.open
        if of.open:
            assert (None if unit.parent_id is None else str(unit.parent_id)) == of.parent
            assert unit.path == path(world, id_)
            assert of.parent is None or model.units[of.parent].open
            assert any(model.administrators(one) for one in model.above(id_)), f"{of.code} is left alone"


def path(world: World, unit: UnitId) -> str:
    return ".".join(world.model.units[one].code for one in world.model.chain(unit))


async def memberships_are_those_of_the_model(world: World) -> None:
    model = world.model
    rows = await world.query("SELECT * FROM memberships WHERE ended_at IS NULL")
    assert {
        (
            str(one.account_id),
            str(one.unit_id),
            frozenset(one.roles),
            one.is_primary,
            one.leaving_at is not None,
        )
        for one in rows
    } == {(one.sub, one.unit, frozenset(one.roles), one.primary, one.leaving) for one in model.members}
    assert all(model.units[one.unit].open for one in model.members)
    for sub in world.people:
        mine = model.of(sub)
        assert sum(one.primary for one in mine) == min(len(mine), 1)


async def tokens_say_what_the_model_says(world: World) -> None:
    """For everybody; and `/me` says the same to one of them."""
    tokens = {sub: token_of(one) for sub, one in (await world.subjects(list(world.people))).items()}
    expected = {sub: world.model.token(sub) for sub in world.people}
    assert tokens == expected
    sub = world.somebody()
    me: dict[str, Any] = (await world.call(sub, "GET", "/me")).json()
    assert (me["status"], me["unit_id"], me["platform_role"]) == (
        "active",
        expected[sub].unit,
        expected[sub].platform_role,
    )
    for name in ("roles", "permissions", "entitlements"):
        assert frozenset(me[name]) == getattr(expected[sub], name), name


async def both_trees_of_every_day_are_those_of_the_model(world: World) -> None:
    """By authority and by territory, as the API tells them to any member."""
    model = world.model
    model.keep_day(day_of(world.clock.now()))
    reader = next(one.sub for one in model.members if model.active(one.sub) and one.sub in world.sessions)
    for day, places in model.days.items():
        for unit in model.units:
            answer = await world.call(reader, "GET", f"/units/{unit}?on={day}")
            if unit not in places:
                assert answer.json()["code"] == "no_unit_on_day", (day, unit)
                continue
            found, place = answer.json(), places[unit]
            told = Place(found["parent_id"], found["region_code"], found["status"] == "active")
            assert told == place, (day, model.units[unit].code)
            if not place.open:
                continue
            assert place.parent is None or places[place.parent].open, "no active unit is below a closed one"
            below = await world.call(reader, "GET", f"/units/{unit}/children?on={day}&limit=200")
            children = {one for one, of in places.items() if of.parent == unit and of.open}
            listed = {one["id"] for one in below.json()["items"]}
            assert listed == children, (day, model.units[unit].code, listed ^ children)


async def the_audit_log_verifies(world: World) -> int:
    """Seal the audit log, verify it, and return the number of its rows."""
    world.clock.advance(timedelta(hours=1))
    state = world.app.state
    await seal_due(state.database, state.key_ring, world.clock)
    verifier = Verifier(state.database, state.key_ring, world.clock)
    assert [finding async for finding in verifier.findings()] == []
    assert verifier.summary.unsealed == 0
    return verifier.summary.rows
