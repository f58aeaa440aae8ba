"""Notices of the first cut become documents: their numbers are entered, and numbering goes on after them."""

import json
import uuid
from typing import Any

from sqlalchemy import text

from office.base import MIGRATIONS
from office.notices.models import Notice
from office.numbering.repository import NumberingRepository
from office.writing import richtext
from office.writing.words import pairs_of
from servicekit.db import Database
from servicekit.ids import new_id
from servicekit.migrations import upgrade
from testkit.plugin import DatabaseFactory

UNIT = uuid.uuid4()
_INSERT = text(
    """
    INSERT INTO notices (id, publisher_id, document_number, title, body, urgency, attachments, status,
                         deadline, created_by, created_at, updated_at, published_by, published_at,
                         withdrawn_by, withdrawn_at, version)
    VALUES (:id, :unit, :number, '关于培训的通知', :body, '加急', CAST(:attachments AS jsonb), :status,
            CASE WHEN :published THEN now() END, :unit, now(), now(),
            CASE WHEN :published THEN CAST(:unit AS uuid) END, CASE WHEN :published THEN now() END,
            CASE WHEN :withdrawn THEN CAST(:unit AS uuid) END, CASE WHEN :withdrawn THEN now() END, 2)
    """
)


async def insert(database: Database, number: str, status: str) -> uuid.UUID:
    values: dict[str, Any] = {
        "id": new_id(),
        "unit": UNIT,
        "number": number,
        "body": ["第一段 <b> & 符号", "第二段"],
        "attachments": json.dumps([{"name": "日程", "note": None}]),
        "status": status,
        "published": status != "draft",
        "withdrawn": status == "withdrawn",
    }
    async with database.transaction() as session:
        await session.execute(_INSERT, values)
    found: uuid.UUID = values["id"]
    return found


async def test_notices_keep_their_text_and_numbers(database_factory: DatabaseFactory) -> None:
    url = await database_factory("office")
    await upgrade(MIGRATIONS, url, "0011")
    database = Database(url, plans="force_custom_plan", pool_size=1)
    draft = await insert(database, "教助中心〔2023〕13号", "draft")
    published = await insert(database, "教助中心〔2023〕11号", "published")
    withdrawn = await insert(database, "教助中心〔2023〕12号", "withdrawn")
    await upgrade(MIGRATIONS, url)

    async with database.transaction() as session:
        notices = {one: await session.get(Notice, one) for one in (draft, published, withdrawn)}
        for notice in notices.values():
            assert notice is not None
            assert notice.body == "<p>第一段 &lt;b&gt; &amp; 符号</p><p>第二段</p>"
            assert richtext.clean(notice.body) == notice.body
            assert (notice.urgency, notice.number_prefix) == ("urgent", "教助中心")
        numbers = [notice.document_number for notice in notices.values() if notice is not None]
        assert numbers == [None, "教助中心〔2023〕11号", "教助中心〔2023〕12号"]
        stored = await session.scalar(text("SELECT words FROM notices WHERE id = :id"), {"id": published})
        assert set(stored) == set(
            pairs_of("关于培训的通知", "第一段 <b> & 符号\n第二段", "教助中心〔2023〕11号")
        )
        repository = NumberingRepository(session)
        [series] = await repository.series(UNIT)
        assert (series.prefix, series.preferred) == ("教助中心", True)
        assert await repository.take(UNIT, "教助中心", 2023) == 13
        entered = await repository.of_subject(withdrawn)
        assert entered is not None
        assert (entered.serial, entered.void_reason) == (12, "（未填写）")
        assert await repository.of_subject(draft) is None
    await database.close()
