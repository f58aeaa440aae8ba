"""Random administration by random people, compared with a reference model after every action.

An action succeeds if and only if the model allows it: nothing succeeds outside the actor's reach or beyond
what they may do, and what they may do is not refused. No active unit is left without an active administrator
at or above it; both trees are those of the model on every day; everybody's next token says what the model
says; at the end the audit log verifies.

`ADMINISTRATION_SEEDS=100` tries more, in half an hour; `make test-long` tries 20.
"""

import os

import pytest
from fastapi import FastAPI

from services.identity.tests.properties import checks
from services.identity.tests.properties.stepping import take_a_step
from services.identity.tests.properties.world import begun, small_country
from testkit.clock import FrozenClock
from testkit.postgres import Migration

STEPS = 120
SEEDS = int(os.environ.get("ADMINISTRATION_SEEDS", "2"))


@pytest.fixture
def prepared() -> Migration:
    return small_country


@pytest.mark.long
@pytest.mark.parametrize("seed", range(SEEDS))
async def test_exactly_what_the_model_allows_succeeds(app: FastAPI, clock: FrozenClock, seed: int) -> None:
    async with begun(app, clock, seed) as world:
        try:
            for _ in range(STEPS):
                await take_a_step(world)
            await checks.both_trees_of_every_day_are_those_of_the_model(world)
        except AssertionError:
            print("\n".join(world.log[-60:]))
            raise
        done = sum(count for (_, succeeded), count in world.outcomes.items() if succeeded)
        assert done > STEPS / 5, world.outcomes
        assert await checks.the_audit_log_verifies(world) > done / 2
