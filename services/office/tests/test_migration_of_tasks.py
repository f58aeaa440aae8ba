"""Tasks that an earlier version has opened for roles."""

from sqlalchemy import text

from office.base import MIGRATIONS
from servicekit.db import Database
from servicekit.migrations import upgrade
from testkit.plugin import DatabaseFactory

OLD = {
    "sign": ("office", ["handler", "approver", "unit_admin"], ["notices.receive"]),
    "review": ("office", ["reviewer"], ["notices.review"]),
    "issue": ("office", ["approver"], ["notices.issue"]),
    "everybody": ("office", [], []),
    "elsewhere": ("cockpit", ["handler"], ["handler"]),
}
"""Source, roles before and what whoever does them needs now, by key."""


async def test_open_tasks_for_roles_are_for_their_permissions(database_factory: DatabaseFactory) -> None:
    url = await database_factory("office")
    await upgrade(MIGRATIONS, url, "0041")
    database = Database(url, plans="force_custom_plan", pool_size=1)
    async with database.transaction() as session:
        for key, (source, roles, _) in OLD.items():
            await session.execute(
                text(
                    "INSERT INTO tasks (id, source, key, kind, subject, title, title_pairs, link, urgency,"
                    " urgency_rank, provisional, roles, by_hand, opened_at, subject_gone) VALUES"
                    " (gen_random_uuid(), :source, :key, 'sign', 'notice/1', '通知', '{}', '/notices/1',"
                    " 'normal', 0, false, :roles, false, now(), false)"
                ),
                {"key": key, "source": source, "roles": roles},
            )
    await upgrade(MIGRATIONS, url)
    async with database.transaction() as session:
        rows = await session.execute(text("SELECT key, needs FROM tasks"))
        found = {row.key: row.needs for row in rows}
        assert found == {key: needs for key, (_, _, needs) in OLD.items()}
        # An earlier version still opens tasks and reads those of this one.
        for column, key in (("roles", "of the earlier"), ("needs", "of this")):
            await session.execute(
                text(
                    "INSERT INTO tasks (id, source, key, kind, subject, title, title_pairs, link, urgency,"
                    f" urgency_rank, provisional, {column}, by_hand, opened_at, subject_gone) VALUES"
                    " (gen_random_uuid(), 'office', :key, 'sign', 'notice/1', '通知', '{}', '/notices/1',"
                    " 'normal', 0, false, '{notices.receive}', false, now(), false)"
                ),
                {"key": key},
            )
        rows = await session.execute(text("SELECT needs, roles FROM tasks WHERE key LIKE 'of %'"))
        assert [tuple(row) for row in rows] == [(["notices.receive"], ["notices.receive"])] * 2
    await database.close()
