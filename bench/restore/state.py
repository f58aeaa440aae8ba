"""What is compared before and after: rows of tables, and what services answer."""

from typing import Any

from bench.restore.machine import Broken, Machine
from testkit.backends.postgresql import connect
from testkit.waiting import moments

# All that the main job writes. What changes by itself (sessions, jobs, inboxes, text messages) is left out.
TABLES = {
    "identity": (
        "accounts",
        "units",
        "memberships",
        "join_requests",
        "entitlements",
        "audit_log",
        "audit_seals",
        "signing_keys",
        "clients",
    ),
    "office": (
        "notices",
        "forwardings",
        "forwarding_units",
        "signatures",
        "reads",
        "receipt_counts",
        "tasks",
        "files",
        "document_numbers",
        "number_counters",
    ),
    "cockpit": (
        "batches",
        "record_versions",
        "quarantined_rows",
        "published_tables",
        "cell_loads",
        "cell_figures",
        "cell_counters",
    ),
}
REPLICAS = {"office": ("units", "people", "roles", "former_places"), "cockpit": ("units", "former_places")}
Digests = dict[str, tuple[int, str]]


async def digests(machine: Machine, tables: dict[str, tuple[str, ...]]) -> Digests:
    """Return the number of rows of each table and a digest of them, without when they were replicated."""
    found: Digests = {}
    for database, names in tables.items():
        connection = await connect(machine.database(database))
        try:
            for name in names:
                if not await connection.fetchval("SELECT to_regclass($1)", name):
                    raise LookupError(f"{database} has no table {name}")
                rows = f"(SELECT (to_jsonb(t) - 'replicated_at')::text AS line FROM {name} t) lines"  # noqa: S608 - our names
                row = await connection.fetchrow(
                    f"SELECT count(*), md5(coalesce(string_agg(line, chr(10) ORDER BY line), '')) FROM {rows}"  # noqa: S608 - our names
                )
                found[f"{database}.{name}"] = (row[0], row[1])
        finally:
            await connection.close()
    return found


async def execute(machine: Machine, database: str, statement: str) -> str:
    """Execute a statement of an operator and return its status."""
    connection = await connect(machine.database(database))
    try:
        return str(await connection.execute(statement))
    finally:
        await connection.close()


async def value(machine: Machine, database: str, query: str, *arguments: str) -> Any:
    """Return the value of a query."""
    connection = await connect(machine.database(database))
    try:
        return await connection.fetchval(query, *arguments)
    finally:
        await connection.close()


async def until(machine: Machine, database: str, query: str, *arguments: str) -> None:
    """Wait until a query answers true. Raises `Broken` after two minutes."""
    async for _ in moments(120, pause=0.1):
        if await value(machine, database, query, *arguments):
            return
    raise Broken(f"in {database} it never becomes true: {query}")
