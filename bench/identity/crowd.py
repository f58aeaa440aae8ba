"""The effect of a million signed-in people on later requests, and the cost of deleting their data."""

import time
from dataclasses import dataclass

from bench.common.statistics import Round
from testkit.backends.postgresql import connect

_FILL = (
    """
    INSERT INTO sessions (id, account_id, secret_hash, begun_at, authenticated_at, last_seen_at, acr, amr)
    SELECT uuidv7(), people[1 + n % cardinality(people)], sha256(n::text::bytea), now(), now(), now(),
           'urn:zhuxue:acr:sms', ARRAY['sms', 'otp']
    FROM generate_series(1, $1::int) n, (SELECT array_agg(id) people FROM accounts) a
    """,
    """
    INSERT INTO grants (id, client_id, account_id, session_id, scope, resources, auth_time, acr, amr,
                        created_at, expires_at)
    SELECT uuidv7('12 hours'), 'portal', account_id, id, 'openid profile office', ARRAY['urn:zhuxue:office'],
           extract(epoch FROM now()), acr, amr, now(), now() + '12 hours'
    FROM sessions
    """,
    """
    INSERT INTO refresh_tokens (id, token_hash, issued_at, grant_id, expires_at)
    SELECT uuidv7('12 hours'), sha256(id::text::bytea), now(), id, now() + '12 hours' FROM grants
    """,
    # Vacuumed now, so that no autovacuum worker runs during the measurement.
    "VACUUM (ANALYZE) sessions, grants, refresh_tokens",
    "CHECKPOINT",
)


@dataclass
class Crowd:
    """The measurements. Times are in milliseconds."""

    people: int
    before: dict[str, Round]
    after: dict[str, Round]
    dropped: float = 0.0
    deleted: float = 0.0

    def words(self) -> list[str]:
        """Return the lines of the report."""
        rates = "; ".join(
            f"{name} {self.after[name].rate:,.0f} a second (p99 {self.after[name].p99:.1f} ms),"
            f" before {before.rate:,.0f} ({before.p99:.1f} ms)"
            for name, before in self.before.items()
        )
        return [
            f"With {self.people:,} live sessions, grants and refresh tokens more in ours: {rates}.",
            "Forgetting them: dropping the day's partition of `sessions` takes",
            f"{self.dropped:.0f} ms, deleting its rows {self.deleted:,.0f} ms.",
        ]


async def fill(server: str, people: int) -> None:
    """Insert sign-ins directly into the database."""
    connection = await connect(server.rsplit("/", 1)[0] + "/ours")
    try:
        for statement in _FILL:
            await connection.execute(statement, *([people] if "$1" in statement else []), timeout=600)
    finally:
        await connection.close()


async def forget(server: str, crowd: Crowd) -> None:
    """Measure both ways to delete a day, and roll both back."""
    connection = await connect(server.rsplit("/", 1)[0] + "/ours")
    try:
        part = await connection.fetchval(
            "SELECT tableoid::regclass::text FROM sessions GROUP BY 1 ORDER BY count(*) DESC LIMIT 1"
        )
        crowd.dropped = await _timed(connection, f"DROP TABLE {part}")
        crowd.deleted = await _timed(connection, f"DELETE FROM {part}")  # noqa: S608 - read from the database
    finally:
        await connection.close()


async def _timed(connection: object, statement: str) -> float:
    transaction = connection.transaction()  # type: ignore[attr-defined]
    await transaction.start()
    began = time.perf_counter()
    await connection.execute(statement, timeout=600)  # type: ignore[attr-defined]
    took = time.perf_counter() - began
    await transaction.rollback()
    return took * 1000
