"""`make chaos`: faults at random under load, and afterwards what must hold in all databases.

    make chaos ARGS="--seconds 300 --seed 7"

Everything runs in processes of its own on free ports and is removed afterwards; with `--keep`, the logs and
the ledger stay. The exit status is 1 if an invariant does not hold.
"""

import argparse
import asyncio
import logging
import random
import shutil
import sys
import tempfile
import time
from collections.abc import Mapping
from pathlib import Path

from bench.chaos import offline
from bench.chaos.faults import Faults
from bench.chaos.invariants import Invariants, Verdict
from bench.chaos.ledger import Ledger
from bench.chaos.load import Load
from bench.chaos.settling import Databases, settled
from bench.chaos.system import stack
from bench.chaos.witness import witnessing
from onebox.demo.story import CITY
from servicekit import logs

SECONDS, QUICK_SECONDS = 300.0, 20.0
# As in production; the short form does not wait for it, but longer than a frozen connection stays frozen.
HEARTBEAT_SECONDS, QUICK_HEARTBEAT_SECONDS = 30.0, 8.0
_SHOWN = 5


def say(text: str) -> None:
    """Print a line at once."""
    sys.stdout.write(f"{text}\n")
    sys.stdout.flush()


def table(title: str, counts: Mapping[str, int]) -> None:
    """Print counts, a line each."""
    say(f"\n{title}")
    for name, number in counts.items():
        say(f"  {number:>7,}  {name}")


async def main(folder: Path, seed: int, seconds: float, heartbeat: float) -> int:
    """Run everything; return the exit status."""
    began = time.monotonic()
    ledger, chance = Ledger(folder / "ledger.jsonl"), random.Random(seed)
    verdicts: list[Verdict] = []
    async with stack(folder, heartbeat) as made, witnessing(made.database("witness"), made.broker.url):
        databases, load = Databases(made), Load(made.system, ledger, random.Random(chance.random()))
        faults = Faults(made, random.Random(chance.random()))
        invariants = Invariants(made, databases, ledger)
        async with made.running():
            await load.prepare()
            say(f"ready after {time.monotonic() - began:.0f} s; faults for {seconds:.0f} s, seed {seed}")
            async with load.running():
                await faults.inject(seconds)
                await made.ready()
            say(f"last fault after {time.monotonic() - began:.0f} s")
            try:
                say(f"everything at its end {await settled(databases):.0f} s later")
            except TimeoutError as error:
                verdicts.append(Verdict("everything comes to its end", 0, [str(error)]))
            verdicts += [one async for one in invariants.while_running(load.people[CITY])]
            await load.close()
        verdicts += [one async for one in invariants.at_rest()]
        verdicts += [await offline.audit_chain(made), await offline.cells(made)]
        table("Faults injected", dict(sorted(faults.injected.items())))
        for name, why in faults.skipped.items():
            say(f"  skipped  {name}: {why}")
        table("Processes that ended by themselves and were started again", made.ended())
    table("Operations acknowledged", ledger.counts())
    table(f"Sent again: {ledger.again:,}; because of", dict(ledger.refused.most_common()))
    if ledger.surprises:
        verdicts.append(
            Verdict(
                "no answer is a surprise", ledger.surprises.total(), [*map(str, ledger.surprises.items())]
            )
        )
    return report(verdicts, seed, time.monotonic() - began)


def report(verdicts: list[Verdict], seed: int, seconds: float) -> int:
    """Print the verdicts; return the exit status."""
    say("\nInvariants")
    for one in verdicts:
        say(f"  {'BROKEN' if one.wrong else 'holds':>7}  {one.name} ({one.checked:,})")
        for line in one.wrong[:_SHOWN]:
            say(f"             {line}")
        if len(one.wrong) > _SHOWN:
            say(f"             and {len(one.wrong) - _SHOWN} more")
    broken = sum(bool(one.wrong) for one in verdicts)
    say(f"\n{f'{broken} broken' if broken else 'all hold'}, seed {seed}, {seconds:.0f} s")
    return 1 if broken else 0


def run() -> int:
    """Parse arguments and run; returns the exit status."""
    parser = argparse.ArgumentParser(prog="python -m bench.chaos", description=__doc__)
    parser.add_argument("--seconds", type=float, default=SECONDS, help=f"of faults ({SECONDS:.0f})")
    parser.add_argument(
        "--quick", action="store_true", help=f"{QUICK_SECONDS:.0f} seconds, dead workers replaced sooner"
    )
    parser.add_argument("--seed", type=int, default=random.randrange(10**6), help="for the same faults again")
    parser.add_argument("--keep", type=Path, help="copy logs and ledger into this folder")
    given = parser.parse_args()
    logs.configure(json=True, level="CRITICAL")
    # The client of the broker reports each lost connection, of which there are many.
    logging.disable(logging.ERROR)
    say(f"seed {given.seed}")
    folder = Path(tempfile.mkdtemp(prefix="zhuxue-chaos-"))
    # PostgreSQL runs as an account without privileges.
    folder.chmod(0o711)
    pace = (QUICK_SECONDS, QUICK_HEARTBEAT_SECONDS) if given.quick else (given.seconds, HEARTBEAT_SECONDS)
    try:
        return asyncio.run(main(folder, given.seed, *pace))
    finally:
        if given.keep:
            given.keep.mkdir(parents=True, exist_ok=True)
            for path in (*folder.glob("*.log"), *folder.glob("*.jsonl"), *folder.glob("*/log")):
                if path.is_file():
                    shutil.copy(path, given.keep / path.relative_to(folder).as_posix().replace("/", "-"))
        shutil.rmtree(folder, ignore_errors=True)


if __name__ == "__main__":
    raise SystemExit(run())
