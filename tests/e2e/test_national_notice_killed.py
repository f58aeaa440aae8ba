"""Servers, workers and connections are killed during a national notice: nothing is lost or done twice."""

from bench.office.killing import Plan, killed
from testkit.plugin import DatabaseFactory

KINDS = {"server", "connections of PostgreSQL", "worker", "connections to the broker"}


async def test_kills_cost_no_receipt_no_reminder_and_no_task(
    database_factory: DatabaseFactory, rabbitmq_url: str
) -> None:
    # PostgreSQL belongs to other tests, too: its connections are killed, not its processes.
    plan = Plan(units=3_000, rate=15, rounds=1, pause=1, browsers=5, servers=2, workers=1, crash=False)
    outcome = await killed(await database_factory("office"), rabbitmq_url, plan)
    outcome.check()
    assert outcome.kills.keys() == KINDS
    assert len(outcome.stored) == outcome.asked
    assert outcome.reminded
    assert outcome.tasks
