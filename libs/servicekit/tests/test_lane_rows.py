"""Objects are inserted on a lane, and what it announces is heard, as in a session."""

from typing import Any
from uuid import uuid4

import pytest

from libs.servicekit.tests.support.notes_service import Note
from servicekit.db import Database, announce


async def test_a_mapped_object_is_added_and_a_message_heard_after_the_commit(
    database: Database, titles: Any
) -> None:
    heard: list[object] = []
    database.listeners.append(heard.append)

    async def add_one(title: str, error: Exception | None = None) -> None:
        async with database.lanes.transaction() as lane:
            lane.add(Note(id=uuid4(), title=title))
            announce(lane, title)
            assert heard == []
            if error is not None:
                raise error

    with pytest.raises(ValueError, match="x"):
        await add_one("lost", ValueError("x"))
    await add_one("kept")
    assert (await titles(), heard) == (["kept"], ["kept"])
