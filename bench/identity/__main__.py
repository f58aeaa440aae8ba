"""Measure Identity against npm's oidc-provider, in one run on one machine; see docs/benchmarks.md."""

import argparse
import asyncio
import shlex
import shutil
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

import uvloop

from bench.common.http_client import Browser
from bench.common.servers import database_server, memory
from bench.common.statements import Statements
from bench.common.statistics import Round, spread
from bench.common.tables import program_version, write
from bench.identity import issuers
from bench.identity.crowd import Crowd, fill, forget
from bench.identity.flows import RESOURCE, Client, Ours, Peer, SameWork, Side, Texts, signed_in
from bench.identity.meter import Meter
from bench.identity.report import NAMES, Result, Row
from bench.identity.scenarios import ALL, Scenario, World
from bench.identity.token_check import Check, token_check
from testkit.backends import node
from testkit.backends.postgresql import connect

WARM_UP = 8.0


def arguments(argv: Sequence[str] | None = None) -> argparse.Namespace:
    """Parse the command line."""
    parser = argparse.ArgumentParser(prog="python -m bench.identity", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="two short rounds: to see that it runs")
    parser.add_argument("--write", action="store_true", help="put the table into docs/benchmarks.md")
    parser.add_argument("--only", nargs="+", choices=[*ALL, "token-check"], help="only these scenarios")
    parser.add_argument("--ours-only", action="store_true", help="without the peer, for work on our side")
    parser.add_argument("--statements", action="store_true", help="list the statements of a request")
    parser.add_argument("--rounds", type=int, help="rounds per side (3)")
    parser.add_argument("--seconds", type=float, help="length of a round (10)")
    parser.add_argument("--crowd", type=int, help="live sessions beside (1000000; quick: none)")
    parser.add_argument("--concurrency", type=int, default=16)
    parser.add_argument("--processes", type=int, default=2, help="processes on each side (2)")
    given = parser.parse_args(argv)
    given.rounds = given.rounds or (2 if given.quick else 3)
    whole = not (given.quick or given.only)
    given.crowd = given.crowd if given.crowd is not None else 1_000_000 * whole
    given.seconds = given.seconds or (2.0 if given.quick else 10.0)
    if given.write and given.ours_only:
        parser.error("--write needs the peer")
    return given


def say(words: str) -> None:
    """Print the progress."""
    sys.stderr.write(f"{words}\n")
    sys.stderr.flush()


async def main(given: argparse.Namespace, logs: Path) -> None:
    """Start all servers, measure, print the results."""
    backend = node.start()
    program = Path(backend.url)
    node.install_package(program, issuers.PEER)
    result = Result(
        command=f"make bench-identity ARGS={shlex.quote(' '.join(sys.argv[1:]))}",
        concurrency=given.concurrency,
        seconds=given.seconds,
        processes=given.processes,
        node=program_version(program),
    )
    texts = Texts()
    with database_server() as server:
        async with (
            texts.running(),
            issuers.ours(server, given.processes, texts.url, logs / "ours.log") as (port, pid, phones),
            issuers.peer(server, given.processes, phones, program, logs / "peer.log") as (
                peer_port,
                peer_pid,
            ),
            issuers.peer(server, given.processes, phones, program, logs / "same.log", sms_url=texts.url) as (
                same_port,
                same_pid,
            ),
        ):
            await Statements.prepare(server)
            result.postgresql = await _version(server)
            meter = await Meter.of(server)
            world = World(server, phones, given.concurrency, _grants(given), given.rounds + 2, meter)
            world.with_codes = ("ours", "same")
            ours, peer, same = Ours(port, texts), Peer(peer_port), SameWork(same_port, texts)
            servers = {ours.name: pid, peer.name: peer_pid, same.name: same_pid}
            sides: list[Side] = [ours] if given.ours_only else [ours, peer, same]
            for name, scenario in ALL.items():
                if given.only is None or name in given.only:
                    result.rows.append(await _measure(scenario, world, sides, servers, given))
            if given.only is None or "token-check" in given.only:
                result.check = await _check(ours, phones[0], program, 500 if given.quick else 5000)
            if given.crowd:
                result.crowd = await _crowded(world, ours, given)
            result.memory = {NAMES[side.name]: memory(servers[side.name]) for side in sides}
    if not given.ours_only:
        sys.stdout.write(result.markdown() + "\n")
    if given.write:
        write("identity", result.markdown())


async def _crowded(world: World, ours: Ours, given: argparse.Namespace) -> Crowd:
    """Measure sign-in and refresh before and after a crowd has signed in."""
    scenarios = [ALL["sign-in"], ALL["refresh"]]
    for scenario in scenarios:
        await scenario.prepare(world, ours)

    async def measured() -> dict[str, Round]:
        rounds = {}
        for scenario in scenarios:
            await _checkpoint(world.server)
            rounds[scenario.name] = await scenario.round(world, ours, given.seconds)
        return rounds

    crowd = Crowd(given.crowd, await measured(), {})
    await fill(world.server, given.crowd)
    crowd.after = await measured()
    await forget(world.server, crowd)
    for line in crowd.words():
        say(line)
    return crowd


def _grants(given: argparse.Namespace) -> int:
    return 100 if given.quick else 400


async def _measure(
    scenario: Scenario, world: World, sides: list[Side], servers: dict[str, int], given: argparse.Namespace
) -> Row:
    row = Row(scenario.name)
    for side in sides:
        await scenario.prepare(world, side)
        await scenario.round(world, side, min(WARM_UP, given.seconds) if given.quick else WARM_UP)
    for _ in range(given.rounds):
        for side in sides:
            await _checkpoint(world.server)
            mine = row.sides[side.name]
            world.meter.server = servers[side.name]
            await world.meter.start()
            mine.rounds.append(world.meter.read(await scenario.round(world, side, given.seconds)))
    for side in sides:
        mine = row.sides[side.name]
        statements = Statements(world.server, side.name)
        mine.statements = await statements.during(
            lambda mark, side=side: scenario.some(world, side, mark)  # type: ignore[misc]
        )
        middle = mine.middle
        say(
            f"{scenario.name:<34} {side.name}: {spread(mine.rounds)} a second, p50 {middle.p50:.1f} ms,"
            f" p99 {middle.p99:.1f} ms, {mine.statements:.1f} statements,"
            f" CPU {middle.cpu[0]:.0f} + {middle.cpu[1]:.0f} µs"
        )
        if given.statements:
            for often, text in statements.each:
                say(f"  {often:5.2f}  {' '.join(text.split())[:200]}")
    return row


async def _checkpoint(server: str) -> None:
    """Run a checkpoint, so that a round does not pay for the writes of earlier ones."""
    connection = await connect(server)
    try:
        await connection.execute("CHECKPOINT")
    finally:
        await connection.close()


async def _version(server: str) -> str:
    connection = await connect(server)
    try:
        return str(await connection.fetchval("SHOW server_version"))
    finally:
        await connection.close()


async def _check(side: Ours, phone: str, program: Path, times: int) -> Check:
    browser = Browser("127.0.0.1", side.port)
    tokens = await signed_in(side, browser, Client(issuers.APP), phone)
    browser.close()
    issuer = f"http://127.0.0.1:{side.port}"
    return await token_check(issuer, RESOURCE, tokens["access_token"], program, times)


if __name__ == "__main__":
    logs = Path(tempfile.mkdtemp(prefix="zhuxue-bench-"))
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        try:
            runner.run(main(arguments(), logs))
        except Exception:
            say(f"the servers' logs are in {logs}")
            raise
    shutil.rmtree(logs, ignore_errors=True)
