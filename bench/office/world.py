"""Units of a whole country, a notice and its receipts, generated in the database."""

import uuid
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

from sqlalchemy import select, text

from office.base import MIGRATIONS
from office.directory.models import Unit
from office.notices.content import NoticeContent
from office.notices.models import Notice
from servicekit.db import Database
from servicekit.migrations import upgrade

PUBLISHED_AT = datetime(2026, 3, 2, 1, tzinfo=UTC)
SCOPES = ("100000", "100000x7", "100000x7x3", "100000x7x3x5")
"""The centre, a province, a city and a county."""

_TREE = text(
    """
    WITH RECURSIVE tree (code, path, depth) AS (
        SELECT '100000', '100000', 0
        UNION ALL
        SELECT tree.code || 'x' || n, tree.path || '.' || tree.code || 'x' || n, depth + 1
        FROM tree CROSS JOIN generate_series(
            1, CASE depth WHEN 0 THEN CAST(:provinces AS int) WHEN 1 THEN CAST(:cities AS int) WHEN 2 THEN 9
               ELSE CAST(:schools AS int) END
        ) AS n
        WHERE depth < 4
    )
    INSERT INTO units (id, code, name, short_name, level, kind, stages, parent_id, path, status, version)
    SELECT md5(code)::uuid, code, code || '学生资助管理中心', code,
           CASE depth WHEN 0 THEN 'ministry' WHEN 1 THEN 'province' WHEN 2 THEN 'city' WHEN 3 THEN 'county'
                      ELSE 'school' END,
           CASE depth WHEN 4 THEN 'school' ELSE 'student_aid' END,
           '{}', CASE WHEN depth > 0 THEN md5(substring(code from '(.*)x'))::uuid END, path::ltree,
           'active', 1
    FROM tree
    """
)
_PEOPLE = text(
    """
    INSERT INTO people (sub, name, phone_masked, status, unit_id, unit_path, roles, version)
    SELECT md5(code || n)::uuid, '张三', '138****0000', 'active', id, path, '{handler}', 1
    FROM units CROSS JOIN generate_series(1, 2) AS n
    """
)
_MOVES = (
    # After the notice, 1 % of the schools have moved to another county, 1 % were opened and 1 % closed.
    """
    INSERT INTO former_places (unit_id, valid_from, valid_to, parent_id, path, status)
    SELECT u.id, '2000-01-01', CAST(:at AS timestamptz), other.id, other.path || u.code, 'active'
    FROM units u JOIN units here ON here.id = u.parent_id
         JOIN units other ON other.code = regexp_replace(here.code, '[0-9]+$', '9')
    WHERE u.level = 'school' AND abs(hashtext(u.code)) % 100 = 0 AND other.id <> here.id
    """,
    """
    INSERT INTO former_places (unit_id, valid_from, valid_to, parent_id, path, status)
    SELECT id, '2000-01-01', CAST(:at AS timestamptz), parent_id, path, 'active'
    FROM units WHERE level = 'school' AND abs(hashtext(code)) % 100 = 1
    """,
    """
    UPDATE units SET placed_at = CAST(:at AS timestamptz),
                     status = CASE WHEN abs(hashtext(code)) % 100 = 1 THEN 'closed' ELSE status END
    WHERE level = 'school'
          AND (abs(hashtext(code)) % 100 IN (1, 2) OR id IN (SELECT unit_id FROM former_places))
    """,
)
_FORWARD = """
    INSERT INTO forwardings (notice_id, unit_id, deadline, forwarded_by, forwarded_at)
    SELECT :notice, id, :at, id, CAST(:at AS timestamptz) FROM units
    WHERE level = ANY(CAST(:levels AS text[])) AND abs(hashtext(code || 'f')) % 100 < :percent
    ON CONFLICT DO NOTHING
"""
_ASK = (
    """
    INSERT INTO tasks (id, source, key, kind, subject, title, title_pairs, link, urgency, urgency_rank,
                       provisional, needs, by_hand, addressed, opened_at, deadline, subject_gone)
    SELECT gen_random_uuid(), 'office', 'bench/' || :subject, 'sign', :subject, title, '{}', '/' || :subject,
           'normal', 0, false, '{notices.receive}', false, true, published_at, deadline, false
    FROM notices WHERE id = :notice
    """,
    """
    INSERT INTO task_addresses
        (id, task_id, sender_id, deadline, sent_at, reach, onward, levels, kinds, stages)
    SELECT f.id, t.id, f.unit_id, f.deadline, f.forwarded_at, f.reach, f.onward, f.levels, f.kinds, f.stages
    FROM forwardings f, tasks t WHERE f.notice_id = :notice AND t.subject = :subject
    """,
)
_FORWARD_ALL = """
    INSERT INTO forwardings (notice_id, unit_id, deadline, forwarded_by, forwarded_at)
    SELECT n.id, u.id, n.deadline, u.id, n.published_at
    FROM notices n, units u
    WHERE n.id = ANY(:notices) AND u.level = ANY('{province,city,county}')
"""
_SIGN = """
    INSERT INTO signatures (notice_id, unit_id, signed_by, signed_at)
    SELECT :notice, u.id, u.id, CAST(:at AS timestamptz) FROM units u JOIN forwardings f
    ON f.notice_id = :notice AND f.unit_id = u.parent_id WHERE abs(hashtext(u.code || 's')) % 100 < :percent
"""


async def fill(url: str, units: int) -> None:
    """Migrate the database at `url` and insert about `units` units with two people each.

    Without a school for each county of the country, there are fewer provinces and cities: those of `SCOPES`.
    """
    await upgrade(MIGRATIONS, url)
    database = Database(url, plans="force_custom_plan", pool_size=1)
    provinces, cities = (36, 9) if units >= 36 * 9 * 9 else (7, 3)
    schools = max(1, units // (provinces * cities * 9))
    async with database.transaction() as session:
        await session.execute(_TREE, {"provinces": provinces, "cities": cities, "schools": schools})
        await session.execute(_PEOPLE)
        # The search is not measured here: its indexer would take the servers' time for minutes.
        await session.execute(text("TRUNCATE search_queue"))
    await analyze(database)
    await database.close()


async def ask(database: Database, notice: Notice) -> None:
    """Insert the task of signing, for the units that the notice's dispatches reach."""
    async with database.transaction() as session:
        for statement in _ASK:
            await session.execute(text(statement), {"notice": notice.id, "subject": f"notice/{notice.id}"})


async def analyze(database: Database) -> None:
    """Update the planner's statistics."""
    async with database.engine.connect() as connection:
        connection = await connection.execution_options(isolation_level="AUTOCOMMIT")
        await connection.execute(text("VACUUM ANALYZE"))


async def year(database: Database, count: int) -> None:
    """Insert notices of a year that all superior units have forwarded."""
    since = datetime.now(UTC) - timedelta(days=360)
    numbers = range(count)
    notices = [await publish(database, number=1000 + n, at=since + n * timedelta(hours=40)) for n in numbers]
    async with database.transaction() as session:
        await session.execute(text(_FORWARD_ALL), {"notices": [notice.id for notice in notices]})


async def publish(database: Database, *, number: int = 1, at: datetime = PUBLISHED_AT) -> Notice:
    """Insert a notice of the centre, delivered to the provinces only."""
    by = uuid.uuid4()
    content = NoticeContent("标题", "<p>正文</p>")
    async with database.transaction() as session:
        centre = (await session.scalars(select(Unit).where(Unit.code == SCOPES[0]))).one()
        notice = Notice.draft(content, publisher=centre.id, by=by, now=at)
        notice.issue(f"国教助〔2026〕{number}号", by=by, now=at, publish_at=None)
        notice.publish(now=at, deadline=at + timedelta(days=7))
        session.add(notice)
    await forward(database, notice, ["ministry"], 100, at=at)
    return notice


async def forward(
    database: Database, notice: Notice, levels: Sequence[str], percent: int, *, at: datetime = PUBLISHED_AT
) -> None:
    """Insert forwardings by `percent` of the units of these levels."""
    values = {"notice": notice.id, "at": at, "levels": list(levels), "percent": percent}
    async with database.transaction() as session:
        await session.execute(text(_FORWARD), values)


async def sign(database: Database, notice: Notice, percent: int) -> None:
    """Insert signatures by `percent` of the units that received the notice."""
    values = {"notice": notice.id, "at": PUBLISHED_AT, "percent": percent}
    async with database.transaction() as session:
        await session.execute(text(_SIGN), values)


async def change(database: Database) -> None:
    """Move, open and close three percent of the schools after the notice."""
    async with database.transaction() as session:
        for statement in _MOVES:
            await session.execute(text(statement), {"at": PUBLISHED_AT + timedelta(days=100)})
