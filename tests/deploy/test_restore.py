"""deploy/restore.sh with a `docker` that only notes how it is called, and what deploy/backup refuses.

`make restore-check` runs the scripts of deploy/backup on real stores.
"""

import hashlib
import os
import subprocess
from pathlib import Path

import pytest

from scaffold.members import Members

from .conftest import ROOT
from .noting import noted

SERVICES = list(Members.load().services)
MOMENT = "2026-11-27 12:00:00+08"
# The first query finds PostgreSQL still reading its log.
DOCKER = """#!/bin/sh
echo "$*" >>"$CALLS"
case "$*" in
    *"config --services") printf '%s\\n' $DEFINED ;;
    *pg_is_in_recovery*) if [ -e "$CALLS.asked" ]; then echo f; else : >"$CALLS.asked"; echo t; fi ;;
    *$FAILING*) exit 1 ;;
esac
"""


def restored(folder: Path, *, failing: str = "nothing", nodes: str = "") -> tuple[list[str], int, str]:
    """What was run, the exit status, and what was said; `nodes` are those of deploy/ha.yaml."""
    calls, status, said = noted(
        folder,
        "restore.sh",
        MOMENT,
        docker=DOCKER,
        FAILING=failing,
        RESTORE_PAUSE="0",
        DEFINED=f"identity postgres rabbitmq {nodes}",
    )
    return [line for line in calls if "config" not in line], status, said


def test_everything_stops_is_put_back_and_brought_in_step_before_it_serves(tmp_path: Path) -> None:
    calls, status, _ = restored(tmp_path)
    assert status == 0
    run = "compose run --rm --no-deps"
    asked = "compose exec -T postgres psql -U postgres -tAc SELECT pg_is_in_recovery()"
    assert calls == [
        "compose down",
        f"{run} --entrypoint /bin/sh rabbitmq -c find /var/lib/rabbitmq -mindepth 1 -delete",
        f"compose --profile restore run --rm --no-deps restore {MOMENT}",
        "compose up --detach postgres",
        asked,
        asked,
        "compose up --detach --wait postgres rabbitmq",
        *(f"{run} {name}-migrate" for name in SERVICES),
        f"{run} identity-bootstrap",
        *(f"{run} {name} python -m {name} restored" for name in SERVICES),
        f"{run} cockpit python -m cockpit verify",
        "compose up --detach --wait",
    ]


def test_other_nodes_take_what_was_restored(tmp_path: Path) -> None:
    nodes = "postgres-role postgres-2 postgres-3 rabbitmq-2 rabbitmq-3"
    calls, status, _ = restored(tmp_path, nodes=nodes)
    assert status == 0
    run = "compose run --rm --no-deps --entrypoint /bin/sh"
    emptied = "-c find /var/lib/rabbitmq -mindepth 1 -delete"
    assert calls[: calls.index("compose up --detach postgres")] == [
        "compose down",
        *(f"{run} {name} {emptied}" for name in ("rabbitmq", "rabbitmq-2", "rabbitmq-3")),
        f"compose --profile restore run --rm --no-deps restore {MOMENT}",
        f"{run} postgres -c rm -f /var/lib/postgresql/follow",
        *(f"{run} {name} -c : >/var/lib/postgresql/follow" for name in ("postgres-2", "postgres-3")),
    ]
    assert "compose up --detach --wait postgres rabbitmq postgres-2 postgres-3 rabbitmq-2 rabbitmq-3" in calls


def test_nothing_starts_if_the_stores_are_not_put_back(tmp_path: Path) -> None:
    calls, status, said = restored(tmp_path, failing="--profile restore")
    assert status == 1
    assert "compose --profile restore" in calls[-1]
    assert "nothing was started" in said


def test_figures_that_differ_do_not_keep_people_from_working(tmp_path: Path) -> None:
    calls, status, said = restored(tmp_path, failing="cockpit verify")
    assert status == 0
    assert calls[-1] == "compose up --detach --wait"
    assert "figures differ from the facts" in said


@pytest.mark.parametrize(
    ("moment", "said"),
    [
        ("2026-11-27 12:00:00", "has no time zone"),
        ("yesterday evening+08", "is not a time"),
        ("2026-11-27 11:59:59+00", "no base backup had ended"),
    ],
)
def test_a_moment_that_cannot_be_restored_is_refused_and_nothing_touched(
    moment: str, said: str, tmp_path: Path
) -> None:
    base, data = tmp_path / "base" / "20261127T115900Z", tmp_path / "data"
    base.mkdir(parents=True)
    data.mkdir()
    (data / "PG_VERSION").write_text("18")
    # 2026-11-27 12:00:00 UTC.
    (base / "ended").write_text("1795780800\n")
    environment = {"PATH": os.environ["PATH"], "BACKUP_DIR": str(tmp_path), "PGDATA": str(data)}
    script = ROOT / "deploy" / "backup" / "restore-stores.sh"
    done = subprocess.run(
        ["sh", script, moment], capture_output=True, text=True, timeout=60, check=False, env=environment
    )
    assert done.returncode == 1
    assert said in done.stderr
    assert [file.name for file in data.iterdir()] == ["PG_VERSION"]


def test_a_segment_is_archived_once_and_never_replaced(tmp_path: Path) -> None:
    segment = tmp_path / "000000010000000000000001"
    script = ROOT / "deploy" / "backup" / "archive-wal.sh"

    def archive(content: bytes) -> int:
        segment.write_bytes(content)
        environment = {"PATH": os.environ["PATH"], "BACKUP_DIR": str(tmp_path / "backups")}
        command = ["sh", str(script), str(segment), segment.name]
        return subprocess.run(command, timeout=60, check=False, env=environment).returncode

    assert archive(b"a") == 0
    kept = tmp_path / "backups" / "wal" / f"{segment.name}.gz"
    first = kept.read_bytes()
    assert archive(b"a") == 0
    assert archive(b"b") != 0
    assert kept.read_bytes() == first
    assert [file.name for file in kept.parent.iterdir()] == [kept.name]


@pytest.mark.parametrize(
    ("said", "status"),
    [
        ("Warning: Cannot stat: No such file or directory", 0),
        ("File removed before we read it", 0),
        ("Warning: Cannot open: Permission denied", 1),
        ("Warning: Read error at byte 0, while reading 512 bytes: Input/output error", 1),
    ],
)
def test_a_backup_fails_if_a_file_that_is_there_cannot_be_read(
    said: str, status: int, tmp_path: Path
) -> None:
    """What has gone while it was copied is not missed."""
    for name in ("files/ab", "facts"):
        (tmp_path / name).mkdir(parents=True)
        (tmp_path / name / hashlib.sha256(b"x").hexdigest()).write_bytes(b"x")
    tar = tmp_path / "tar"
    tar.write_text(
        f'#!/bin/sh\ncase "$*" in --create*) echo "tar: ./a: {said}" >&2 ;; esac\nexec /usr/bin/tar "$@"\n'
    )
    tar.chmod(0o755)
    for store in ("FILES_DIR", "FACTS_DIR"):
        environment = {
            "PATH": f"{tmp_path}:{os.environ['PATH']}",
            "BACKUP_DIR": str(tmp_path / "backups"),
            store: str(tmp_path / store.removesuffix("_DIR").lower()),
        }
        command = ["sh", str(ROOT / "deploy" / "backup" / "backup.sh"), "stores"]
        done = subprocess.run(
            command, capture_output=True, text=True, timeout=60, check=False, env=environment
        )
        assert done.returncode == status, done.stderr
        assert ("not all could be read" in done.stderr) == bool(status)
