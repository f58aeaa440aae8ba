"""The tables on one node and on a cluster are the same, and come from one declaration."""

import re
import secrets
from collections.abc import Iterable, Iterator
from typing import Any

import clickhouse_connect
import pytest
from clickhouse_connect.driver.client import Client
from pydantic import SecretStr, ValidationError

from cockpit.analytics.profiles import LOCAL, Cluster, OneNode, Profile, profile_of
from cockpit.analytics.tables import EVERYWHERE, ORIGIN, SCHEMA_VERSION, VERSIONS, AddIndex, Table
from cockpit.feeds.declarations import FEEDS
from cockpit.settings import Settings

CLUSTER = Cluster("cockpit", "zhuxue")
CHANGES = [SCHEMA_VERSION, *(change for _, changes in VERSIONS for change in changes)]
FACTS = {change.name for change in CHANGES if isinstance(change, Table)} - EVERYWHERE


def ddl(profile: Profile) -> list[str]:
    return [statement for change in CHANGES for statement in profile.statements(change)]


def on_one_node(statement: str) -> str:
    """Leave out of a statement what needs a cluster, and nothing else."""
    statement = statement.replace(" ON CLUSTER 'zhuxue'", "")
    statement = re.sub(r"ReplicatedMergeTree\([^)]*\)", "MergeTree", statement)
    return re.sub(r"ENGINE = Distributed\(.*\)$", "ENGINE = Memory", statement)


@pytest.fixture
def client(analytics_dsn: str) -> Iterator[Client]:
    client = clickhouse_connect.get_client(dsn=analytics_dsn)
    yield client
    client.close()


def described(client: Client, statements: Iterable[str]) -> dict[str, Any]:
    """Run statements in a database of their own, and return the tables that they make."""
    database = f"profile_{secrets.token_hex(4)}"
    client.command(f"CREATE DATABASE {database}")
    try:
        inside = clickhouse_connect.get_client(dsn=client.uri, database=database)
        for statement in statements:
            inside.command(statement)
            inside.command(statement)  # repeatable
        inside.close()
        columns = client.query(
            "SELECT table, name, type, default_expression, comment, is_in_partition_key, is_in_sorting_key"
            f" FROM system.columns WHERE database = '{database}' ORDER BY table, position"
        ).result_rows
        keys = client.query(
            f"SELECT name, sorting_key, partition_key FROM system.tables WHERE database = '{database}'"
        ).result_rows
        indices = client.query(
            f"SELECT table, name, expr, type FROM system.data_skipping_indices WHERE database = '{database}'"
        ).result_rows
    finally:
        client.command(f"DROP DATABASE {database}")
    return {
        name: {
            "keys": rest,
            "columns": [column[1:] for column in columns if column[0] == name],
            "indices": [index[1:] for index in indices if index[0] == name],
        }
        for name, *rest in keys
    }


def test_both_profiles_have_equal_columns_keys_partitions_and_indices(client: Client) -> None:
    one = described(client, ddl(OneNode("cockpit")))
    many = described(client, map(on_one_node, ddl(CLUSTER)))
    assert set(one) == FACTS | EVERYWHERE
    assert set(many) == {*one, *(f"{name}{LOCAL}" for name in FACTS)}
    for name, table in one.items():
        assert many[name if name in EVERYWHERE else f"{name}{LOCAL}"] == table
        if name in FACTS:
            # What queries and inserts name has the columns of what is below it.
            shown = [column[:4] for column in table["columns"]]
            assert [column[:4] for column in many[name]["columns"]] == shown


def test_every_statement_of_the_cluster_is_one_of_clickhouse(client: Client) -> None:
    conditions = [CLUSTER.delete(name, "load_id = {load:UUID}") for name in (*FACTS, *EVERYWHERE)]
    for statement in (CLUSTER.create_database(), *ddl(CLUSTER), *conditions):
        client.query("SELECT formatQuery({sql:String})", parameters={"sql": statement})
    known = client.query(
        "SELECT name FROM system.settings WHERE name IN {names:Array(String)}",
        parameters={"names": list(CLUSTER.settings)},
    ).result_rows
    assert {row[0] for row in known} == set(CLUSTER.settings)


def test_facts_are_replicated_in_their_shard_and_lists_on_every_node() -> None:
    for name in FACTS:
        (local, above) = next(
            CLUSTER.statements(change)
            for change in CHANGES
            if isinstance(change, Table) and change.name == name
        )
        assert f"ReplicatedMergeTree('/clickhouse/tables/{{shard}}/cockpit/{name}', '{{replica}}')" in local
        assert "Distributed('zhuxue', 'cockpit'" in above
        assert "region_code" in above
        assert CLUSTER.delete(name, "1") == f"DELETE FROM {name}{LOCAL} ON CLUSTER 'zhuxue' WHERE 1"
    assert {"schema_version", "counted_loads"} == EVERYWHERE
    for name in EVERYWHERE:
        assert CLUSTER.delete(name, "1") == f"DELETE FROM {name} WHERE 1"


def test_every_feed_has_a_table_with_its_columns() -> None:
    columns: dict[str, set[str]] = {}
    for change in CHANGES:
        name = change.name if isinstance(change, Table) else change.table
        added = () if isinstance(change, AddIndex) else change.columns
        columns.setdefault(name, set()).update(column.name for column in added)
    for feed in FEEDS.values():
        stored = {column.stored for column in feed.measures} | feed.derived.keys()
        assert columns[feed.table] == stored | {column.name for column in ORIGIN}


def test_the_settings_choose_the_profile() -> None:
    assert profile_of("cockpit", None) == OneNode("cockpit")
    assert profile_of("cockpit", "zhuxue") == CLUSTER
    with pytest.raises(ValidationError, match="chDB is one node"):
        Settings(
            mode="dev",
            database_url="postgresql+asyncpg://localhost/cockpit",
            issuer="http://localhost",
            identity_url="http://localhost",
            client_id="cockpit",
            client_secret=SecretStr("not-used-here"),
            analytics_dsn="chdb:///nowhere",
            analytics_cluster="zhuxue",
        )
