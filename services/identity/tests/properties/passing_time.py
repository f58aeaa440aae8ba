"""Days pass: what has a time ends, what is due is done, and everybody signs in anew."""

from datetime import timedelta

from identity.entitlements.jobs import Reviews
from identity.joining import jobs as joining
from identity.partitions import partitioned
from identity.units.changes import day_of
from servicekit.partitions import maintain
from services.identity.tests.properties.world import Action, Outcome, World


async def pass_time(world: World) -> Outcome:
    """Hours or weeks, sometimes most of a year."""
    model, state = world.model, world.app.state
    model.keep_day(day_of(world.clock.now()))
    world.clock.advance(timedelta(days=world.dice.choice((0.2, 1, 1, 3, 10, 40, 200))))
    now = model.now = world.clock.now()
    await maintain(state.database, partitioned(state.settings), now)
    await joining.apply(state.database, world.clock)
    await Reviews(state.database, state.settings, state.vault, world.clock, state.sms_dispatcher).run()
    for key in [key for key, one in model.requests.items() if one.until <= now]:
        del model.requests[key]
    for key in [key for key, one in model.wishes.items() if one.until <= now]:
        del model.wishes[key]
    for key in [key for key, one in model.entitlements.items() if one.ends <= now]:
        del model.entitlements[key]
    # They have the date of their upload; dates of the past are tried in `units/test_random_changes.py`.
    world.imports.clear()
    world.sessions.clear()
    model.chosen.clear()
    return Outcome(True, True)


ACTIONS: list[Action] = [pass_time]
