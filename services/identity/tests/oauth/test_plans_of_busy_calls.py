"""A busy call finds its rows by their keys, also in the partition of a day that has just begun.

PostgreSQL believes a new partition to be small until it is analyzed, and plans once for each connection: what
reads it as a whole then goes on to do so when it has a million rows.
"""

import json
import re
from typing import Any

import pytest
from fastapi import FastAPI

from identity.oauth.state import browsing_repository, issuing_statements
from servicekit.lane_connections import Connection
from servicekit.lanes import Statement
from testkit.postgres import Migration

PARTITIONED = re.compile(
    r"(sessions|grants|authorization_codes|refresh_tokens|pushed_requests|once_only)_part_\w+"
)
STATEMENTS = {
    name: value
    for module in (issuing_statements, browsing_repository)
    for name, value in vars(module).items()
    if isinstance(value, Statement)
}


@pytest.fixture
def prepared(one_line: Migration) -> Migration:
    return one_line


def scans(node: dict[str, Any]) -> list[dict[str, Any]]:
    below = [found for child in node.get("Plans", []) for found in scans(child)]
    return [node, *below] if PARTITIONED.fullmatch(node.get("Relation Name", "")) else below


def read_by_its_key(scan: dict[str, Any]) -> bool:
    if scan["Node Type"] == "ModifyTable":
        return True
    key = re.match(r"\(+(id|key_hash) = ", scan.get("Index Cond", ""))
    return scan["Node Type"] in ("Index Scan", "Index Only Scan") and key is not None


async def test_partitions_are_read_by_their_primary_keys(app: FastAPI) -> None:
    connection = await Connection.open(app.state.settings.database_url)
    bad = {}
    try:
        for name, statement in STATEMENTS.items():
            await connection.driver.execute(f"PREPARE {name} AS {statement.sql}")
            count = max(map(int, re.findall(r"\$(\d+)", statement.sql)))
            nothing = ", ".join(["NULL"] * count)
            text = f"EXPLAIN (FORMAT json) EXECUTE {name} ({nothing})"
            (plan,) = json.loads(await connection.driver.fetchval(text))
            found = [scan for scan in scans(plan["Plan"]) if not read_by_its_key(scan)]
            if found:
                bad[name] = found
    finally:
        await connection.driver.close()
    assert not bad
