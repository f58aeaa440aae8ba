"""Hand-over of the open work of people who leave a unit."""

from datetime import UTC, datetime
from uuid import uuid4

from sqlalchemy import select

from contracts.identity import HandOverRequestedV1
from contracts.office import HandOverCompletedV1
from messaging.envelope import Envelope
from office.base import outbox
from office.handovers.consumers import HandOvers
from servicekit.db import Database
from testkit.clock import FrozenClock


async def test_a_hand_over_is_acknowledged_at_once_because_work_belongs_to_units(
    database_url: str, clock: FrozenClock
) -> None:
    asked = HandOverRequestedV1(
        hand_over_id=uuid4(),
        sub=uuid4(),
        unit_id=uuid4(),
        unit_path="100000.370000",
        successor=None,
        requested_at=datetime.now(UTC),
    )
    envelope = Envelope(
        id=uuid4(),
        source="/zhuxue/identity",
        type=asked.type,
        subject=str(asked.hand_over_id),
        time=asked.requested_at,
        data={},
    )
    database = Database(database_url, plans="force_custom_plan", pool_size=1)
    async with database.transaction() as session:
        await HandOvers(clock).handle(session, asked, envelope)
        await session.flush()
        (sent,) = (await session.scalars(select(outbox.row))).all()
    await database.close()
    answer = HandOverCompletedV1.model_validate(sent.data)
    assert (sent.type, answer.hand_over_id, answer.items) == (answer.type, asked.hand_over_id, 0)
