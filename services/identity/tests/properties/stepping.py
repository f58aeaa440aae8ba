"""One step: somebody tries something, and the service does exactly what the model says."""

from collections.abc import Mapping
from datetime import timedelta
from types import ModuleType

from services.identity.tests.properties import (
    checks,
    custom_roles,
    delegations,
    entitlements,
    imports,
    invites,
    passing_time,
    people,
    platforms,
    recoveries,
    units,
)
from services.identity.tests.properties.world import World

SUBJECTS: Mapping[ModuleType, int] = {
    units: 8,
    people: 14,
    delegations: 4,
    entitlements: 6,
    invites: 4,
    platforms: 4,
    custom_roles: 3,
    imports: 3,
    recoveries: 3,
    passing_time: 2,
}
"""How often something of each subject is tried."""


async def take_a_step(world: World, subjects: Mapping[ModuleType, int] = SUBJECTS) -> None:
    """Try one action, and compare what happens with the model."""
    world.clock.advance(timedelta(seconds=1))
    world.model.now = world.clock.now()
    await world.sign_everybody_in()
    (subject,) = world.dice.choices(list(subjects), weights=list(subjects.values()))
    action = world.dice.choice(subject.ACTIONS)
    outcome = await action(world)
    assert outcome.allowed == outcome.succeeded, f"{action.__name__}: {outcome}"
    world.outcomes[action.__name__, outcome.succeeded] += 1
    await world.sign_everybody_in()
    await checks.after_an_action(world)
