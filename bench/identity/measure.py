"""Measuring: wrk on one endpoint, statements per request, one token check."""

import asyncio
import base64
import json
import shutil
import statistics
import subprocess
import tempfile
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import encode_dss_signature
from joserfc.jwk import ECKey
from servers import PEER

from authkit.jwks import KeySet, fetch_over_http
from authkit.tokens import TokenVerifier
from testkit.backends import UnavailableError, debian, node
from testkit.backends.postgresql import connect

LUA = Path(__file__).parent / "load.lua"
FORM = "application/x-www-form-urlencoded"


@dataclass(frozen=True)
class Round:
    """What one round gave: times in milliseconds."""

    rate: float
    p50: float
    p99: float
    requests: int = 0


@dataclass(frozen=True)
class Plan:
    """Requests to one endpoint: `bodies` in turn, or `form` with each of `tokens` and their successors."""

    path: str
    authorization: str = ""
    bodies: list[str] = field(default_factory=list)
    tokens: list[str] = field(default_factory=list)
    form: str = ""

    def lua(self) -> str:
        """The plan as `load.lua` reads it."""
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
    """`wrk` on PATH, else from Debian's package. Raises UnavailableError."""
    if shutil.which("wrk") is None:
        debian.install("wrk")
    found = shutil.which("wrk")
    if found is None:
        raise UnavailableError("no wrk on this machine")
    return found


def load(port: int, plan: Plan, *, concurrency: int, seconds: float) -> Round:
    """Run wrk with `plan`. Raises RuntimeError when any request was refused or failed."""
    with tempfile.NamedTemporaryFile("w", suffix=".lua") as file:
        file.write(plan.lua())
        file.flush()
        command = [wrk_program(), "-t1", f"-c{concurrency}", f"-d{max(1, round(seconds))}s", "-s", str(LUA)]
        done = subprocess.run(
            # A slow answer is slow, not an error: wrk's own patience is two seconds.
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


def percentile(values: list[float], share: float) -> float:
    """The value below which `share` of `values` lie."""
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(len(ordered) * share))]


class Statements:
    """Counts the statements that reach one database, without BEGIN, COMMIT and the like."""

    def __init__(self, server: str, database: str) -> None:
        self._server = server
        self._database = database
        self.each: list[tuple[float, str]] = []
        """How often each statement came per request, since the last count."""

    @classmethod
    async def prepare(cls, server: str) -> None:
        """Once, before the load: nothing is counted until it is asked for."""
        connection = await connect(server)
        try:
            await connection.execute("CREATE EXTENSION pg_stat_statements")
            await connection.execute("ALTER SYSTEM SET pg_stat_statements.track_utility = off")
            await cls._track(connection, "none")
        finally:
            await connection.close()

    async def during(self, work: Callable[[Callable[[], Awaitable[None]]], Awaitable[int]]) -> float:
        """Statements per request of `work`; what the server does without being asked is taken off.

        `work` awaits what it is given before its first request that counts, and says how many it made.
        """
        connection = await connect(self._server)
        try:
            await self._track(connection, "top")
            began = time.monotonic()
            await asyncio.sleep(1)
            idle = await self._count(connection) / (time.monotonic() - began)
            before, began = 0, 0.0

            async def mark() -> None:
                nonlocal before, began
                before, began = await self._count(connection), time.monotonic()

            requests = await work(mark)
            made = await self._count(connection) - before
            self.each = [(row["calls"] / requests, row["query"]) for row in await self._rows(connection)]
            await self._track(connection, "none")
            return float(max(0.0, made - idle * (time.monotonic() - began)) / requests)
        finally:
            await connection.close()

    @staticmethod
    async def _track(connection: Any, what: str) -> None:
        await connection.execute(f"ALTER SYSTEM SET pg_stat_statements.track = '{what}'")
        await connection.execute("SELECT pg_reload_conf()")
        # Every process of the server reads its settings again when it next has nothing to do.
        await asyncio.sleep(0.2)
        await connection.execute("SELECT pg_stat_statements_reset()")

    async def _count(self, connection: Any) -> int:
        return sum(row["calls"] for row in await self._rows(connection))

    async def _rows(self, connection: Any) -> list[Any]:
        return list(
            await connection.fetch(
                "SELECT calls, query FROM pg_stat_statements JOIN pg_database ON pg_database.oid = dbid"
                " WHERE datname = $1 ORDER BY calls DESC",
                self._database,
            )
        )


@dataclass(frozen=True)
class Check:
    """Microseconds to check one access token, medians: ours, the bare signature, and npm's jose."""

    ours: float
    bare: float
    jose: float


async def token_check(issuer: str, audience: str, token: str, node_program: Path, times: int) -> Check:
    """Time `TokenVerifier.verify` against the signature alone, in turns, and `jose.jwtVerify` in Node.js."""
    verifier = TokenVerifier(issuer=issuer, audience=audience, keys=KeySet(fetch_over_http(f"{issuer}/jwks")))
    await verifier.keys.refresh()
    async with httpx.AsyncClient() as http:
        jwks = (await http.get(f"{issuer}/jwks")).json()
    head, payload, signature = token.split(".")
    kid = json.loads(_decoded(head))["kid"]
    public = ECKey.import_key(next(key for key in jwks["keys"] if key["kid"] == kid)).public_key
    raw, signed = _decoded(signature), f"{head}.{payload}".encode()
    der = encode_dss_signature(int.from_bytes(raw[:32], "big"), int.from_bytes(raw[32:], "big"))
    ours: list[float] = []
    bare: list[float] = []
    for number in range(-200, times):
        began = time.perf_counter_ns()
        await verifier.verify(token)
        between = time.perf_counter_ns()
        public.verify(der, signed, ec.ECDSA(hashes.SHA256()))
        ended = time.perf_counter_ns()
        if number >= 0:
            ours.append((between - began) / 1000)
            bare.append((ended - between) / 1000)
    given = {"token": token, "jwks": jwks, "issuer": issuer, "audience": audience, "times": times}
    done = await asyncio.to_thread(
        subprocess.run,
        [node_program, PEER / "verify.js"],
        input=json.dumps(given),
        env=node.environment(node_program),
        capture_output=True,
        text=True,
        check=True,
    )
    return Check(statistics.median(ours), statistics.median(bare), json.loads(done.stdout)["p50"])


def _decoded(part: str) -> bytes:
    return base64.urlsafe_b64decode(part + "=" * (-len(part) % 4))
