"""`make bench-identity` runs: one short round, for its numbers nothing is asserted."""

import re
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]


def test_both_issuers_are_measured_and_the_table_is_printed(node_program: Path) -> None:
    command = ["-m", "bench.identity", "--quick", "--rounds", "1", "--seconds", "0.2", "--concurrency", "4"]
    try:
        done = subprocess.run(
            [sys.executable, *command, "--only", "code", "client-credentials", "token-check"],
            cwd=ROOT,
            capture_output=True,
            text=True,
            # Before pytest's own, which ends the whole run. Its servers go with it: they have watchdogs.
            timeout=800,
        )
    except subprocess.TimeoutExpired as late:
        raise AssertionError(f"not done in time: {(late.stderr or b'')[-3000:]!r}") from late
    assert done.returncode == 0, done.stderr[-3000:]
    rows = re.findall(r"^\| ([a-z][^|]*) \| [\d,.]+ \| [\d,.]+ \|", done.stdout, re.MULTILINE)
    assert rows == ["code flow, live session", "client credentials"]
    assert "times the bare ES256" in done.stdout
