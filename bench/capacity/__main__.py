"""Measure how many bytes of PostgreSQL the rows of each kind take, with their indexes.

    make bench-capacity ARGS=--quick

Databases of Identity and Office are filled with a made-up country on a private PostgreSQL. `--write` puts the
table into docs/benchmarks.md, from which the operator's guide calculates.
"""

import argparse
import asyncio
import sys
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any, NamedTuple

from bench.common.servers import database_server
from bench.common.tables import machine, table, write
from bench.contacts import world as contacts
from bench.identity import crowd
from bench.office import world as notices
from bench.people import world as people
from identity.base import MIGRATIONS as IDENTITY
from identity.clients.models import Client
from identity.vault import Vault
from office.base import MIGRATIONS as OFFICE
from servicekit.cipher import Key
from servicekit.db import Database
from servicekit.migrations import upgrade
from testkit.backends.postgresql import connect
from testkit.postgres import create_database

MILLION = 1_000_000
_SIZE = """
    SELECT coalesce(sum(pg_table_size(c.oid) + pg_indexes_size(c.oid)), 0)
    FROM pg_class c LEFT JOIN pg_inherits i ON i.inhrelid = c.oid
    WHERE c.relkind = 'r' AND coalesce(i.inhparent, c.oid) = ANY($1::regclass[])
"""
_AUDIT = """
    INSERT INTO audit_log (id, at, actor, action, target_id, correlation_id, details)
    SELECT uuidv7(), now(), 'portal', 'oauth.token_issued', gen_random_uuid(), gen_random_uuid(),
           '{"grant": "refresh_token"}'
    FROM generate_series(1, $1::int)
"""


class Kind(NamedTuple):
    """What rows of a kind take: bytes each, with indexes."""

    what: str
    tables: str
    rows: int
    each: float


class Measuring:
    """Sizes of the tables of one database."""

    def __init__(self, connection: Any) -> None:
        self._connection = connection
        self.found: list[Kind] = []

    async def size(self, tables: Sequence[str]) -> int:
        """Return the bytes of tables with their partitions and indexes."""
        return int(await self._connection.fetchval(_SIZE, list(tables)))

    async def add(self, what: str, tables: Sequence[str], rows: int) -> None:
        """Divide the size of tables by the rows."""
        size = await self.size(tables)
        listed = ", ".join(f"`{one}`" for one in tables)
        self.found.append(Kind(what, listed, rows, size / rows))


async def identity(server: str, given: argparse.Namespace) -> list[Kind]:
    """Measure what units, people, sign-ins and audit rows take in Identity."""
    url = await create_database(server, "ours")
    await upgrade(IDENTITY, url)
    connection = await connect(url)
    try:
        sizes = Measuring(connection)
        vault = Vault([Key(1, bytes(32))], [Key(1, bytes(range(32)))])
        all_units = people.units(given.units)
        await people.fill(connection, vault, all_units, given.people)
        await sizes.add("unit", ["units", "units_search"], len(all_units))
        await sizes.add(
            "person with one membership", ["accounts", "memberships", "people_search"], given.people
        )
        await _client(url)
        await crowd.fill(server, given.people)
        await sizes.add(
            "sign-in, for 12 hours, with a refresh token",
            ["sessions", "grants", "refresh_tokens"],
            given.people,
        )
        await connection.execute(_AUDIT, given.people, timeout=600)
        await sizes.add("row of the audit log, a token's", ["audit_log"], given.people)
        return sizes.found
    finally:
        await connection.close()


async def _client(url: str) -> None:
    """Register the client of the sign-ins."""
    database = Database(url, plans="force_custom_plan", pool_size=1)
    async with database.transaction() as session:
        session.add(
            Client(
                client_id="portal",
                client_name="portal",
                token_endpoint_auth_method="none",
                redirect_uris=[],
                grant_types=["authorization_code", "refresh_token"],
                scopes=[],
                audiences=[],
                registered_at=datetime.now(UTC),
            )
        )
    await database.close()


async def office(server: str, given: argparse.Namespace) -> list[Kind]:
    """Measure what the replica and the receipts of notices take in Office."""
    url = await create_database(server, "office")
    await upgrade(OFFICE, url)
    connection = await connect(url)
    try:
        sizes = Measuring(connection)
        all_units = contacts.units(given.units)
        await contacts.fill(connection, all_units, given.people)
        await sizes.add("unit in Office's replica", ["units", "units_search"], len(all_units))
        await sizes.add("person in Office's replica", ["people", "people_search"], given.people)
    finally:
        await connection.close()
    return [*sizes.found, *await _receipts(server, given)]


async def _receipts(server: str, given: argparse.Namespace) -> list[Kind]:
    url = await create_database(server, "notices")
    await notices.fill(url, given.units)
    database = Database(url, plans="force_custom_plan", pool_size=1)
    connection = await connect(url)
    try:
        notice = await notices.publish(database)
        await notices.forward(database, notice, ["province", "city", "county"], 100)
        await notices.sign(database, notice, 100)
        await notices.analyze(database)
        sizes = Measuring(connection)
        signatures = await connection.fetchval("SELECT count(*) FROM signatures")
        await sizes.add("signature of a unit for a notice", ["signatures", "receipt_counts"], signatures)
        return sizes.found
    finally:
        await connection.close()
        await database.close()


def markdown(given: argparse.Namespace, found: Sequence[Kind]) -> str:
    """Return the result as a section of a document."""
    rows = [
        [one.what, one.tables, f"{one.each:,.0f}", f"{one.each * MILLION / 1024**3:,.2f}"] for one in found
    ]
    lines = table(("row", "tables", "bytes each", "GiB for a million"), rows)
    return "\n".join([f"{given.units:,} units, {given.people:,} people; {machine()}.", "", *lines])


async def measure(server: str, given: argparse.Namespace) -> list[Kind]:
    """Fill and measure."""
    return [*await identity(server, given), *await office(server, given)]


def main() -> None:
    """Measure and print the results."""
    parser = argparse.ArgumentParser(prog="make bench-capacity", description=__doc__)
    parser.add_argument("--units", type=int, default=100_000, help="how many units (100000)")
    parser.add_argument("--people", type=int, default=200_000, help="how many people and sign-ins (200000)")
    parser.add_argument("--quick", action="store_true", help="6,000 units and 12,000 people")
    parser.add_argument("--write", action="store_true", help="put the table into docs/benchmarks.md")
    given = parser.parse_args()
    if given.quick:
        given.units, given.people = 6_000, 12_000
    with database_server() as server:
        result = markdown(given, asyncio.run(measure(server, given)))
    sys.stdout.write(f"{result}\n")
    if given.write:
        write("capacity", result)


if __name__ == "__main__":
    main()
