"""Load on one HTTP endpoint, made by wrk."""

import json
import shutil
import subprocess
import tempfile
from dataclasses import dataclass, field
from pathlib import Path

from bench.common.statistics import Round
from testkit.backends import UnavailableError, debian

LUA = Path(__file__).parent / "load.lua"
FORM = "application/x-www-form-urlencoded"


@dataclass(frozen=True)
class Plan:
    """Requests to one endpoint: `bodies` in rotation, or `form` with each of `tokens` and its successors."""

    path: str
    authorization: str = ""
    bodies: list[str] = field(default_factory=list)
    tokens: list[str] = field(default_factory=list)
    form: str = ""

    def lua(self) -> str:
        """Return the plan in the format of `load.lua`."""
        headers = f'["Content-Type"]="{FORM}"'
        if self.authorization:
            headers += f', ["Authorization"]="{self.authorization}"'
        # JSON's strings are Lua's, for printable ASCII.
        lines = [f"path={json.dumps(self.path)}", f"headers={{{headers}}}", f"form={json.dumps(self.form)}"]
        for name, values in (("bodies", self.bodies), ("tokens", self.tokens)):
            if values:
                lines.append(f"{name}={{{', '.join(json.dumps(value) for value in values)}}}")
        return f"return {{{', '.join(lines)}}}\n"


def wrk_program() -> str:
    """Return the path of `wrk`; install Debian's package if it is missing. Raises UnavailableError."""
    if shutil.which("wrk") is None:
        debian.install("wrk")
    found = shutil.which("wrk")
    if found is None:
        raise UnavailableError("no wrk on this machine")
    return found


def load(port: int, plan: Plan, *, concurrency: int, seconds: float) -> Round:
    """Run wrk with `plan`. Raises RuntimeError if a request fails."""
    with tempfile.NamedTemporaryFile("w", suffix=".lua") as file:
        file.write(plan.lua())
        file.flush()
        command = [wrk_program(), "-t1", f"-c{concurrency}", f"-d{max(1, round(seconds))}s", "-s", str(LUA)]
        done = subprocess.run(
            # A slow response is not an error; wrk's default timeout is two seconds.
            [*command, "--timeout", "60s", f"http://127.0.0.1:{port}", "--", file.name],
            capture_output=True,
            text=True,
            check=False,
        )
    line = next((line for line in done.stdout.splitlines() if line.startswith("RESULT ")), None)
    if line is None:
        raise RuntimeError(done.stderr[-2000:] + done.stdout[-2000:])
    result = json.loads(line.removeprefix("RESULT "))
    if result["errors"]:
        raise RuntimeError(f"{result['errors']} of {result['requests']} failed: {done.stderr[-2000:]}")
    return Round(result["requests"] / result["seconds"], result["p50"], result["p99"], result["requests"])
