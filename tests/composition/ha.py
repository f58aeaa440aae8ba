"""`make ha-check`: deploy/ha.yaml on this machine, and everything in it is killed in turn while people work.

It prints what people noticed of each, and compares at the end what they were told is done with what the
databases have. It needs what `make compose-check` needs, and 8 GiB of memory.
"""

import asyncio
import subprocess
import sys
import time
import warnings
from collections.abc import Callable, Iterator
from pathlib import Path

from authlib.deprecate import AuthlibDeprecationWarning

warnings.simplefilter("ignore", AuthlibDeprecationWarning)

from bench.chaos.ledger import Ledger  # noqa: E402
from onebox.demo import people  # noqa: E402
from onebox.demo.story import CENTRE, COUNTY, Story  # noqa: E402
from testkit.waiting import moments  # noqa: E402
from tests.composition.kept import NODES, Kept, primary  # noqa: E402
from tests.composition.machine import (  # noqa: E402
    DOMAIN,
    HOSTS,
    PROJECT,
    PSQL,
    Unfit,
    complain,
    engine,
    exit_status_of,
    left_behind,
    output,
    resolve,
    run,
    settings_of,
    timed,
    with_compose,
)
from tests.composition.messages import Messages  # noqa: E402
from tests.composition.working import Working  # noqa: E402

# Two containers each.
_TWICE = ("identity", "identity-worker", "office", "office-worker", "portal")
_BROKERS = ("rabbitmq", "rabbitmq-2", "rabbitmq-3")
# One process each: docs/adr/0045.
_ONCE = ("cockpit", "gateway")
# While the container is away, people go on working for so long.
_AWAY_SECONDS = 10
_SETTLE_SECONDS = 120.0
_ALL_SECONDS = 1800.0

Mend = Callable[[], None]


class Faults:
    """What is killed, and how it comes back."""

    def __init__(self, environment: dict[str, str]) -> None:
        self._environment = environment

    def each(self) -> Iterator[tuple[str, str, Mend, int]]:
        """Yield a name, the container to kill, what brings it back, and for how long it is away."""
        for service in _TWICE:
            for number, container in enumerate(self._containers(service), 1):
                yield f"{service}, {number} of 2", container, self._starts(container), _AWAY_SECONDS
        for service in _ONCE:
            (container,) = self._containers(service)
            yield f"{service}, started again", container, self._starts(container), 0
        for service in _BROKERS:
            (container,) = self._containers(service)
            yield service, container, self._starts(container), _AWAY_SECONDS
        first = primary(self._environment)
        (standby, *_) = (node for node in NODES if node != first)
        (container,) = self._containers(standby)
        yield f"{standby}, a standby", container, self._starts(container), _AWAY_SECONDS
        # A standby takes over, and then another from that one.
        for _ in range(2):
            node = primary(self._environment)
            (container,) = self._containers(node)
            yield f"{node}, the primary; promote.sh", container, self._promotes(node), 0

    def _containers(self, service: str) -> list[str]:
        return output("docker", "compose", "ps", "--quiet", service, environment=self._environment).split()

    def kill(self, container: str) -> None:
        """End all processes of a container at once."""
        run("docker", "kill", container, environment=self._environment, stdout=subprocess.DEVNULL)

    def _starts(self, container: str) -> Mend:
        def start() -> None:
            run("docker", "start", container, environment=self._environment, stdout=subprocess.DEVNULL)

        return start

    def _promotes(self, node: str) -> Mend:
        def promote() -> None:
            output("deploy/promote.sh", environment=self._environment)
            again = ("docker", "compose", "up", "--detach", "--no-deps", "--wait", node)
            run(*again, environment=self._environment, stderr=subprocess.DEVNULL)

        return promote

    def healthy(self) -> bool:
        """Return whether every container that runs for ever is healthy."""
        states = output(
            *("docker", "compose", "ps", "--format", "{{.Service}} {{.Health}}"),
            environment=self._environment,
        ).splitlines()
        return all(line.endswith(" healthy") for line in states if not line.startswith("backup "))


async def _one(working: Working, faults: Faults, container: str, mend: Mend, away: int) -> float:
    """Kill a container and bring it back; return how many seconds it took until all was as before."""
    for noticed in working.noticed.values():
        noticed.forget()
    began = time.monotonic()
    await asyncio.to_thread(faults.kill, container)
    await asyncio.sleep(away)
    await asyncio.to_thread(mend)
    async for _ in moments(_SETTLE_SECONDS, pause=3):
        if await asyncio.to_thread(faults.healthy):
            break
    else:
        raise people.Failed("not everything is healthy again")
    await working.settled()
    return time.monotonic() - began


def _told(working: Working) -> Iterator[str]:
    for name, noticed in working.noticed.items():
        failed = ", ".join(f"{count} x {what}" for what, count in noticed.failed.most_common())
        if failed or noticed.absence > 1:
            yield (
                f"{name}: {noticed.answers.total() - noticed.failed.total()} answered,"
                f" failed: {failed or 'none'}; absence {noticed.absence:.1f} s"
            )


async def _rehearsed(story: Story, environment: dict[str, str], ledger: Ledger) -> None:
    working, faults = Working(story, ledger), Faults(environment)
    async with asyncio.timeout(_ALL_SECONDS), working.running():
        await working.settled()
        for name, container, mend, away in faults.each():
            took = await _one(working, faults, container, mend, away)
            failed = sum(noticed.failed.total() for noticed in working.noticed.values())
            asked = sum(noticed.answers.total() for noticed in working.noticed.values())
            absence = max(noticed.absence for noticed in working.noticed.values())
            print(f"   {name}: {failed} of {asked} failed, absence {absence:.1f} s; {took:.0f} s", flush=True)
            for line in _told(working):
                print(f"      {line}", flush=True)
    print(f"   acknowledged: {ledger.counts()}; asked again: {ledger.again}")
    print(f"   refused: {dict(ledger.refused)}; not expected: {dict(ledger.surprises)}")


async def _known(story: Story) -> None:
    async with story.person(CENTRE) as centre, story.person(COUNTY) as county:
        async for _ in moments(300, pause=1):
            inbox = await county.office("GET", "/notices/inbox")
            overview = await centre.cockpit("GET", "/overview", params={"year": 2017})
            if (inbox.status_code, overview.status_code) == (200, 200):
                break
        else:
            raise people.Failed(f"Office: {inbox.text}; Cockpit: {overview.text}")


async def _compared(kept: Kept) -> None:
    async for _ in moments(_SETTLE_SECONDS, pause=1):
        if not kept.unfinished():
            break
    wrong = 0
    for name, (checked, found) in kept.wrong().items():
        print(f"   {'BROKEN' if found else 'holds'}  {name} ({checked})")
        for line in found[:5]:
            print(f"      {line}")
        wrong += bool(found)
    if wrong:
        raise people.Failed(f"{wrong} invariants are broken")


def check(folder: Path, messages: Messages, environment: dict[str, str]) -> None:
    """Do all of it."""
    version = engine(environment)
    environment = with_compose(folder, environment)
    print(f"Docker Engine {version}", flush=True)
    with timed("base images from a Debian mirror"):
        lines = output("deploy/base-images.sh", environment=environment)
        environment |= dict(line.split("=", 1) for line in lines.split())
    environment = settings_of(folder, messages, environment)
    environment |= {"COMPOSE_FILE": "compose.yaml:deploy/ha.yaml", "ZHUXUE_IDENTITY_WORKERS": "1"}
    if left := left_behind(environment):
        raise Unfit(
            f"an earlier check has left {', '.join(left)}: docker compose -p {PROJECT} down --volumes"
        )
    try:
        with timed("make up, with deploy/ha.yaml"):
            run("make", "--no-print-directory", "up", environment=environment)
        with timed("1,017 units and 2,032 made-up people"):
            job = ("docker", "compose", "run", "--rm", "--no-deps", "-e", "ZHUXUE_IDENTITY_MODE=dev")
            command = ("identity-bootstrap", "python", "-m", "identity", "bootstrap", "s")
            run(*job, *command, environment=environment)
            forget = "DELETE FROM clients WHERE client_id = 'dev-frontend'"
            run(*PSQL, forget, environment=environment)
        resolve()
        people.TLS.load_verify_locations(folder / "tls" / "ca.pem")
        identity, office, cockpit, gateway = (f"https://{name}.{DOMAIN}" for name in HOSTS)
        inbox = f"http://127.0.0.1:{messages.port}/"
        story = Story(people.System(identity, office, cockpit, f"{gateway}/demo/callback", inbox))
        ledger = Ledger(folder / "ledger")
        with timed("Office and Cockpit know the units and people"):
            asyncio.run(_known(story))
        with timed("everything is killed in turn"):
            asyncio.run(_rehearsed(story, environment, ledger))
        with timed("comparing what was answered with what is stored"):
            asyncio.run(_compared(Kept(ledger, environment)))
    except BaseException:
        complain(environment)
        raise
    finally:
        with timed("make down, with volumes"):
            run(
                "make", "--no-print-directory", "down", "ARGS=--volumes --timeout 20", environment=environment
            )


if __name__ == "__main__":
    sys.exit(exit_status_of("ha-check", check))
