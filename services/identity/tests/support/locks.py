"""Waiting for transactions that wait for one another."""

import asyncio

from fastapi import FastAPI
from sqlalchemy import text


async def blocked(app: FastAPI) -> None:
    """Until somebody waits for a lock."""
    waiting = text(
        "SELECT count(*) FROM pg_stat_activity"
        " WHERE wait_event_type = 'Lock' AND datname = current_database()"
    )
    async with asyncio.timeout(60), app.state.database.engine.connect() as connection:
        while not await connection.scalar(waiting):
            await connection.commit()
            await asyncio.sleep(0.01)
