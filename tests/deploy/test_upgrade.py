"""deploy/upgrade.sh with a `docker` that only notes how it is called."""

from itertools import chain
from pathlib import Path

import pytest

from scaffold.members import Members
from servicekit.handover import Lock

from .noting import noted

SERVICES = list(Members.load().services)
JOBS = [*(f"{name}-migrate" for name in SERVICES), "identity-bootstrap"]
# The cockpit's worker is one of a profile, which is off.
WORKERS = Members.load().of("resource_servers") - {"cockpit"}
REPLACED = [
    *(one for name in SERVICES for one in (name, f"{name}-worker") if one == name or name in WORKERS),
    "gateway",
]
# New containers start beside the old ones.
BESIDE = {"identity", "office", "cockpit", "portal"}
QUESTIONS = {"config", "ps", "inspect", "logs", "exec"}
DOCKER = """#!/bin/sh
echo "$*" >>"$CALLS"
case "$*" in
    *" config --services") printf '%s\\n' $DEFINED ;;
    "compose ps --all --quiet "*) printf 'old-%s\nnew-%s\n' "${*##* }" "${*##* }" ;;
    "compose ps --quiet "*) [ -z "$RUNNING" ] || echo "old-${*##* }" ;;
    *" $FAILING") exit 1 ;;
    "exec old-cockpit flock "*"/var/lib/zhuxue/facts.serving true")
        shift 2
        for word; do shift; [ "$word" = "${word#/}" ] || word=$LOCK; set -- "$@" "$word"; done
        "$@" ;;
    "logs new-cockpit") [ "$STATE" != running ] || echo '{"event": "another process has the folder"}' ;;
    *State.Status*) echo "$STATE" ;;
esac
"""


def upgraded(
    folder: Path,
    *,
    failing: str = "-",
    workers: str = "",
    running: bool = True,
    state: str = "running",
    held: bool = True,
) -> tuple[list[str], int, str]:
    """What was run, the exit status, and what was said. `held`: whether the old Cockpit has its lock."""
    # The file is there after any version that handed over.
    lock = Lock(folder / "facts.serving")
    if held:
        lock.take()
    calls, status, said = noted(
        folder,
        "upgrade.sh",
        docker=DOCKER,
        FAILING=failing,
        DEFINED=f"identity cockpit {workers}",
        RUNNING="yes" if running else "",
        STATE=state,
        LOCK=str(folder / "facts.serving"),
        ZHUXUE_UPGRADE_KNOWN_SECONDS="0",
    )
    lock.release()
    return [line for line in calls if not QUESTIONS.intersection(line.split())], status, said


def run(job: str) -> str:
    return f"compose run --rm --no-deps {job}"


def up(service: str) -> str:
    recreated = " --force-recreate" if service == "gateway" else ""
    return f"compose up --detach --no-deps{recreated} --wait {service}"


def beside(service: str) -> list[str]:
    # A new Cockpit may be waiting for the old one, and is healthy only afterwards.
    waited = "" if service == "cockpit" else " --wait"
    scaled = f"compose up --detach --no-deps --no-recreate --scale {service}=2{waited} {service}"
    left = f"compose up --detach --no-deps --no-recreate --scale {service}=1 --wait {service}"
    return [scaled, f"stop old-{service}", f"rm old-{service}", left]


def replaced(service: str) -> list[str]:
    return beside(service) if service in BESIDE else [up(service)]


def test_migrations_come_first_and_then_one_service_after_another(tmp_path: Path) -> None:
    calls, status, _ = upgraded(tmp_path)
    assert status == 0
    assert calls == [*map(run, JOBS), *chain.from_iterable(map(replaced, REPLACED))]


def test_what_does_not_run_is_started(tmp_path: Path) -> None:
    calls, status, _ = upgraded(tmp_path, running=False)
    assert status == 0
    assert calls == [*map(run, JOBS), *map(up, REPLACED)]


def test_a_worker_of_a_profile_is_replaced_where_it_runs(tmp_path: Path) -> None:
    calls, status, _ = upgraded(tmp_path, workers="cockpit-worker")
    assert status == 0
    assert calls.index(up("cockpit-worker")) == calls.index(beside("cockpit")[-1]) + 1


@pytest.mark.parametrize("job", JOBS)
def test_a_failed_migration_replaces_nothing_and_says_what_to_do(tmp_path: Path, job: str) -> None:
    calls, status, said = upgraded(tmp_path, failing=job)
    assert status == 1
    assert calls == [*map(run, JOBS[: JOBS.index(job) + 1])]
    assert f"{job} failed; nothing was replaced, and the old services go on serving" in said
    assert "ZHUXUE_VERSION" in said


def test_a_service_that_does_not_start_stops_the_others_from_being_replaced(tmp_path: Path) -> None:
    calls, status, said = upgraded(tmp_path, failing="office")
    assert status == 1
    assert calls[-2:] == [beside("office")[0], "rm --force new-office"]
    assert "docker compose logs office" in said
    assert "docker compose up --detach --no-deps --wait SERVICE" in said


def test_a_cockpit_that_neither_serves_nor_waits_goes_and_the_old_one_stays(tmp_path: Path) -> None:
    calls, status, said = upgraded(tmp_path, state="restarting")
    assert status == 1
    assert calls[-2:] == [beside("cockpit")[0], "rm --force new-cockpit"]
    assert "stop old-cockpit" not in calls
    assert "docker compose logs cockpit" in said


def test_a_cockpit_of_before_the_handover_is_replaced_in_place(tmp_path: Path) -> None:
    """Its facts cannot be opened twice, and it would not tell the new one to wait. A later version that ran
    before it may have left the file of the lock.
    """
    calls, status, _ = upgraded(tmp_path, held=False)
    assert status == 0
    assert up("cockpit") in calls
    assert not [line for line in calls if "cockpit=" in line]
