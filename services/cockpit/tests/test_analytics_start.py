"""chDB starts with what a full disk or a kill has left."""

import asyncio
import subprocess
import sys
from pathlib import Path

# In a process of its own: a process has one engine.
PROGRAM = """
import asyncio, sys
from pathlib import Path
from cockpit.analytics.store import Analytics

async def main(folder):
    for _ in range(2):
        analytics = Analytics(f"chdb://{folder}")
        await analytics.start()
        await analytics.execute("INSERT INTO counted_loads SELECT generateUUIDv4()")
        rows = await analytics.query("SELECT count() AS n FROM counted_loads")
        await analytics.close()
        for table in Path(folder).glob("store/*/*"):
            (table / "mutation_9.txt").touch()
    print(rows[0]["n"])

asyncio.run(main(sys.argv[1]))
"""


async def test_deletions_that_were_not_written_do_not_keep_the_facts_closed(tmp_path: Path) -> None:
    command = [sys.executable, "-c", PROGRAM, str(tmp_path / "facts")]
    done = await asyncio.to_thread(
        subprocess.run, command, capture_output=True, text=True, timeout=120, check=False
    )
    assert (done.returncode, done.stdout.splitlines()[-1:]) == (0, ["2"]), done.stderr[-2000:]
