"""deploy/ha.yaml beside compose.yaml, and deploy/promote.sh with a `docker` that only notes how it is called.

`make ha-check` starts it and kills each part.
"""

import json
import os
import subprocess
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import make_url
from sqlalchemy.dialects.postgresql.asyncpg import dialect

from .conftest import ROOT, Compose
from .noting import noted

# A new service begins with one process.
SERVICES = ["cockpit", "identity", "office", "portal"]
# One process owns the directory of chDB.
TWICE = {*SERVICES, "identity-worker", "office-worker"} - {"cockpit"}
POSTGRES = ("postgres", "postgres-2", "postgres-3")
RABBITMQ = ("rabbitmq", "rabbitmq-2", "rabbitmq-3")
NODES = (*POSTGRES, *RABBITMQ)


@pytest.fixture(scope="module")
def several(compose: Compose, env_file: Path) -> dict[str, Any]:
    """All services of both files."""
    result = compose(env_file, "deploy/ha.yaml")
    assert result.returncode == 0, result.stderr
    document: dict[str, Any] = json.loads(result.stdout)
    services: dict[str, Any] = document["services"]
    return services


def test_there_are_two_of_each_service_that_may_have_several(several: dict[str, Any]) -> None:
    assert {name for name, one in several.items() if one.get("deploy", {}).get("replicas") == 2} == TWICE


@pytest.mark.parametrize("name", SERVICES)
def test_everything_of_a_service_finds_the_primary_among_all_nodes(
    name: str, several: dict[str, Any], config: dict[str, Any]
) -> None:
    for part in (f"{name}", f"{name}-worker", f"{name}-migrate"):
        if part not in several:
            continue
        url = make_url(several[part]["environment"][f"ZHUXUE_{name.upper()}_DATABASE_URL"])
        _, options = dialect().create_connect_args(url)  # type: ignore[no-untyped-call]
        assert (options["host"], options["port"]) == (list(POSTGRES), [5432] * 3)
        assert options["target_session_attrs"] == "read-write"
        alone = make_url(config["services"][name]["environment"][f"ZHUXUE_{name.upper()}_DATABASE_URL"])
        assert (url.username, url.password, url.database) == (alone.username, alone.password, alone.database)


def test_brokers_are_reached_by_one_name(several: dict[str, Any]) -> None:
    for name in RABBITMQ:
        assert several[name]["networks"]["back"]["aliases"] == ["broker"]
        assert several[name]["hostname"] == name
    for service in ("identity", "office", "cockpit"):
        url = make_url(several[service]["environment"][f"ZHUXUE_{service.upper()}_RABBITMQ_URL"])
        assert url.host == "broker"
        assert set(RABBITMQ) <= set(several[service]["depends_on"])
    nodes = [f"rabbit@{name}" for name in RABBITMQ]
    assert [
        line.split(" = ")[1]
        for line in (ROOT / "deploy" / "ha" / "rabbitmq.conf").read_text().splitlines()
        if ".nodes." in line
    ] == nodes


@pytest.mark.parametrize("name", NODES)
def test_a_node_is_like_the_one_of_compose_yaml(
    name: str, several: dict[str, Any], config: dict[str, Any]
) -> None:
    node, alone = several[name], config["services"][name.partition("-")[0]]
    for part in ("image", "command", "read_only", "cap_drop", "security_opt", "user", "restart", "deploy"):
        assert node.get(part) == (alone.get(part) or node.get(part)), part
    assert list(node["networks"]) == ["back"]
    data = [mount["source"] for mount in node["volumes"] if mount["type"] == "volume"]
    others = {
        mount["source"]
        for other in NODES
        if other != name
        for mount in several[other]["volumes"]
        if mount["type"] == "volume"
    }
    # Only the archive of the log belongs to all.
    assert set(data) & others <= {"backups"}


def test_the_backup_is_that_of_the_primary(several: dict[str, Any]) -> None:
    backup = several["backup"]
    assert backup["environment"]["PGTARGETSESSIONATTRS"] == "read-write"
    mounted = {mount["target"]: mount["source"] for mount in backup["volumes"]}
    for name, folder in zip(POSTGRES, backup["environment"]["PGHOST"].split(","), strict=True):
        assert mounted[folder] == f"{name}-socket"


def test_the_guide_tells_the_memory_of_all(several: dict[str, Any]) -> None:
    limits = sum(
        int(one["deploy"]["resources"]["limits"]["memory"]) * one["deploy"].get("replicas", 1)
        for name, one in several.items()
        if name.removesuffix("-worker") in {"identity", "office", "cockpit", "portal", "gateway", *NODES}
    )
    guide = " ".join((ROOT / "docs" / "operators.md").read_text().split())
    assert f"add up to {limits / 2**30:g} GiB" in guide


DOCKER = """#!/bin/sh
echo "$*" >>"$CALLS"
case "$*" in
    *"config --services") printf '%s\\n' $DEFINED ;;
    *pg_is_in_recovery*) printenv "$(printf %s "$4" | tr - _)" ;;
    *pg_last_wal*) [ "$4" = "$AHEAD" ] && echo 134217728 || echo 9999 ;;
    *pg_promote*) echo "$PROMOTED" ;;
esac
"""


def promoted(folder: Path, *arguments: str, **nodes: str) -> tuple[list[str], int, str]:
    """What was changed, the exit status and what was said; nodes answer `t`, `f` or nothing."""
    calls, status, said = noted(
        folder,
        "promote.sh",
        *arguments,
        docker=DOCKER,
        DEFINED="identity office postgres postgres-2 postgres-3 postgres-role",
        AHEAD="postgres-3",
        PROMOTED="t",
        **{"postgres": "", "postgres_2": "t", "postgres_3": "t", **nodes},
    )
    return [line for line in calls if "config" not in line and "SELECT pg_is" not in line], status, said


BACKED_UP = "compose exec --detach backup /bin/sh /backup/backup.sh base"
FENCED = [
    "compose stop --timeout 30 postgres",
    "compose run --rm --no-deps --entrypoint /bin/sh postgres -c : >/var/lib/postgresql/follow",
]


@pytest.mark.parametrize("state", ["", "f"])
def test_the_primary_is_stopped_for_good_before_the_standby_that_has_most_takes_over(
    tmp_path: Path, state: str
) -> None:
    calls, status, _ = promoted(tmp_path, postgres=state)
    assert status == 0
    assert calls[:2] == FENCED
    promotion = "compose exec -T postgres-3 psql -U postgres -tAc SELECT pg_promote(true, 600)"
    assert calls[-2:] == [promotion, BACKED_UP]


def test_two_primaries_are_left_alone(tmp_path: Path) -> None:
    calls, status, said = promoted(tmp_path, postgres="f", postgres_2="f")
    assert (calls, status) == ([], 1)
    assert "both primaries" in said


def test_a_standby_that_does_not_answer_may_have_more(tmp_path: Path) -> None:
    calls, status, said = promoted(tmp_path, postgres_3="")
    assert (calls, status) == ([], 1)
    assert "--without" in said


def test_the_other_standby_can_be_left_out(tmp_path: Path) -> None:
    calls, status, _ = promoted(tmp_path, "--without", postgres_3="")
    assert status == 0
    assert [line for line in calls if line.startswith("compose stop")] == [
        "compose stop --timeout 30 postgres",
        "compose stop --timeout 30 postgres-3",
    ]
    assert calls[-2].startswith("compose exec -T postgres-2")


def test_nothing_is_changed_while_no_standby_answers(tmp_path: Path) -> None:
    calls, status, said = promoted(tmp_path, postgres="f", postgres_2="", postgres_3="")
    assert (calls, status) == ([], 1)
    assert "no standby answers" in said


def test_what_is_run_in_containers_can_be_run() -> None:
    for name in ("ha/postgres.sh", "ha/role.sh", "ha/rabbitmq.sh", "promote.sh"):
        assert os.access(ROOT / "deploy" / name, os.X_OK)


PROGRAMS = {
    "pg_isready": 'case "$*" in *--host="$ANSWERS "*) exit 0 ;; *) exit 2 ;; esac',
    "pg_basebackup": 'for one; do case $one in --pgdata=*) mkdir "${one#*=}" ;; esac; done',
    "docker-entrypoint.sh": 'echo "started with: $*"',
    "sleep": "exit 0",
}


def started(folder: Path, node: str, *, answers: str = "nobody", data: bool = False) -> tuple[int, str, bool]:
    """Start a node with programs that only note how they are called: its status, what it says, and whether it
    has taken the data of another one.
    """
    (folder / "bin").mkdir()
    for name, program in PROGRAMS.items():
        file = folder / "bin" / name
        file.write_text(f'#!/bin/sh\necho "{name} $*" >>"$CALLS"\n{program}\n')
        file.chmod(0o755)
    if data:
        (folder / "data").mkdir()
        (folder / "data" / "PG_VERSION").write_text("18")
    environment = {
        "PATH": f"{folder / 'bin'}:{os.environ['PATH']}",
        "CALLS": str(folder / "calls"),
        "ANSWERS": answers,
        "NODE": node,
        "NODES": " ".join(POSTGRES),
        "REPLICATION_PASSWORD": "x",
        "PGDATA": str(folder / "data"),
        "PGPASSFILE": str(folder / "pgpass"),
        "BACKUP_DIR": str(folder / "backups"),
    }
    command = ["bash", str(ROOT / "deploy" / "ha" / "postgres.sh"), "postgres"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False, env=environment)
    calls = folder / "calls"
    taken = calls.exists() and "pg_basebackup" in calls.read_text()
    return done.returncode, done.stdout + done.stderr, taken


def test_the_first_node_begins_the_cluster(tmp_path: Path) -> None:
    status, said, taken = started(tmp_path, "postgres")
    assert (status, taken) == (0, False)
    assert "started with: postgres" in said


def test_a_first_node_without_data_follows_when_another_one_answers(tmp_path: Path) -> None:
    """Its volume was replaced: as a second primary, it would be the first that the services find."""
    assert started(tmp_path, "postgres", answers="postgres-2")[::2] == (0, True)


def test_a_first_node_without_data_does_not_begin_where_there_are_backups(tmp_path: Path) -> None:
    (tmp_path / "backups" / "base" / "20261127T120000Z").mkdir(parents=True)
    status, said, taken = started(tmp_path, "postgres")
    assert (status, taken) == (1, False)
    assert "deploy/restore.sh" in said


@pytest.mark.parametrize("node", POSTGRES)
def test_a_node_with_data_starts_with_it(tmp_path: Path, node: str) -> None:
    assert started(tmp_path, node, data=True)[::2] == (0, False)


def test_another_node_without_data_takes_that_of_the_primary(tmp_path: Path) -> None:
    assert started(tmp_path, "postgres-3")[::2] == (0, True)
