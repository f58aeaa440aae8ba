"""A scrape reads what waits in the database."""

import re
from datetime import UTC, datetime, timedelta

from sqlalchemy import insert

from office.base import job_queue, outbox, tables
from servicekit.ids import new_id
from services.office.tests.support.running_office import RunningOffice


async def test_a_scrape_tells_how_much_waits_and_for_how_long(office: RunningOffice) -> None:
    now = datetime.now(UTC)
    hour_ago, tomorrow = now - timedelta(hours=1), now + timedelta(days=1)
    async with office.database.transaction() as session:
        event = {"source": "/zhuxue/office", "type": "x", "subject": "s", "data": {}}
        # Failed at the broker, so the relay tries it later.
        session.add(outbox.row(id=new_id(), created_at=hour_ago, next_attempt_at=tomorrow, **event))
        letter = {"queue": "q", "type": "x", "subject": "s", "error": "e", "attempts": 3, "message": b"{}"}
        await session.execute(insert(tables.dead_letters).values(event_id=new_id(), **letter))
        # Workers find jobs by another table.
        job = {"kind": "office.export", "payload": {}, "state": "queued"}
        await session.execute(insert(job_queue.jobs).values(id=new_id(), run_at=hour_ago, **job))
        await session.execute(insert(job_queue.jobs).values(id=new_id(), run_at=tomorrow, **job))
    scraped = (await office.client(None).get("/metrics")).text
    found = dict(re.findall(r'^(zhuxue_\w+)\{service="office"\} (\S+)$', scraped, re.MULTILINE))
    assert found["zhuxue_outbox_events"] == "1.0"
    assert found["zhuxue_dead_letters_kept"] == "1.0"
    assert found["zhuxue_jobs_waiting"] == "1.0"
    assert 3600 <= float(found["zhuxue_outbox_oldest_seconds"]) < 7200
    assert 3600 <= float(found["zhuxue_jobs_oldest_waiting_seconds"]) < 7200
