"""The scenarios: each runs rounds of load on one issuer and counts statements."""

import asyncio
import json
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import quote, urlencode

from bench.common.http_client import Browser
from bench.common.load import Plan, load
from bench.common.statistics import Round
from bench.identity.flows import RESOURCE, Client, Ours, Peer, Side, code_flow, signed_in, timed
from bench.identity.issuers import APP, OPAQUE, SERVICE, WEB, basic
from bench.identity.meter import Meter
from testkit.backends.postgresql import connect

PUBLIC = Client(APP)
_COUNTED = 100
_COUNTING_SECONDS = 1


@dataclass
class World:
    """The environment of scenarios."""

    server: str
    phones: Sequence[str]
    concurrency: int
    grants: int
    """The number of grants for a refresh round."""
    slices: int
    """The number of rounds per issuer that consume tokens."""
    meter: Meter
    with_codes: Sequence[str] = ("ours",)
    """Databases of the sides that send codes."""
    prepared: dict[tuple[str, str], Any] = field(default_factory=dict)
    _next: int = 0

    def person(self) -> str:
        """Return the next person, in rotation."""
        self._next += 1
        return self.phones[self._next % len(self.phones)]

    async def forget_codes(self) -> None:
        """Delete the sent SMS codes and their budgets, because codes are rationed by phone number."""
        for database in self.with_codes:
            connection = await connect(f"{self.server.rsplit('/', 1)[0]}/{database}")
            try:
                await connection.execute("TRUNCATE sms_codes, code_budgets")
            finally:
                await connection.close()


Mark = Callable[[], Awaitable[None]]


class Scenario:
    """One row of the table."""

    name = ""
    flow = False

    async def prepare(self, world: World, side: Side) -> None:
        """Prepare the first round."""

    async def round(self, world: World, side: Side, seconds: float) -> Round:
        """Run one round of load."""
        raise NotImplementedError

    async def some(self, world: World, side: Side, mark: Mark) -> int:
        """Send a few sequential requests to count statements, after `mark`; return their number."""
        raise NotImplementedError


class SignIn(Scenario):
    """From an authorization request without a session, through the sign-in pages, to the tokens."""

    name = "sign-in, whole flow"
    flow = True

    async def round(self, world: World, side: Side, seconds: float) -> Round:
        """See `Scenario`."""
        await world.forget_codes()

        async def once(browser: Browser, _: int) -> None:
            await signed_in(side, browser, PUBLIC, world.person())

        run = await timed(side, once, concurrency=world.concurrency, seconds=seconds)
        return Round.of(run.durations, run.seconds)

    async def some(self, world: World, side: Side, mark: Mark) -> int:
        """See `Scenario`."""
        await world.forget_codes()

        async def once(browser: Browser, _: int) -> None:
            await signed_in(side, browser, PUBLIC, world.person())

        return (await timed(side, once, concurrency=1, limit=_COUNTED, started=mark)).flows


class CodeFlow(Scenario):
    """From an authorization request with a live session to the tokens: two requests."""

    name = "code flow, live session"
    flow = True

    async def round(self, world: World, side: Side, seconds: float) -> Round:
        """See `Scenario`."""
        run = await self._run(
            world, side, concurrency=world.concurrency, seconds=seconds, started=world.meter.start
        )
        return Round.of(run.durations, run.seconds)

    async def some(self, world: World, side: Side, mark: Mark) -> int:
        """See `Scenario`."""
        return int((await self._run(world, side, concurrency=1, limit=_COUNTED, started=mark)).flows)

    async def _run(self, world: World, side: Side, **how: Any) -> Any:
        await world.forget_codes()

        async def begin(browser: Browser, _: int) -> None:
            await signed_in(side, browser, PUBLIC, world.person())

        async def once(browser: Browser, _: int) -> None:
            await self.once(side, browser)

        return await timed(side, once, begin=begin, **how)

    async def once(self, side: Side, browser: Browser) -> None:
        """Run the flow once."""
        await code_flow(side, browser, PUBLIC)


class Revocation(CodeFlow):
    """The code flow and then the revocation of its grant, which a round of revocations alone would use up."""

    name = "code flow, then revocation"

    async def once(self, side: Side, browser: Browser) -> None:
        """See `CodeFlow`."""
        token = (await code_flow(side, browser, PUBLIC))["refresh_token"]
        path = "/revoke" if isinstance(side, Ours) else "/token/revocation"
        answer = await browser.post(path, {"token": token, "client_id": PUBLIC.client_id})
        if answer.status != 200:
            raise RuntimeError(f"{side.name} does not revoke its token: {answer.body!r}")


class _Endpoint(Scenario):
    """Requests to one endpoint, made by wrk."""

    async def plan(self, world: World, side: Side) -> Plan:
        """Return the requests of the next round."""
        raise NotImplementedError

    async def round(self, world: World, side: Side, seconds: float) -> Round:
        """See `Scenario`."""
        plan = await self.plan(world, side)
        return await asyncio.to_thread(load, side.port, plan, concurrency=world.concurrency, seconds=seconds)

    async def some(self, world: World, side: Side, mark: Mark) -> int:
        """See `Scenario`."""
        plan = await self.plan(world, side)
        await mark()
        done = await asyncio.to_thread(load, side.port, plan, concurrency=1, seconds=_COUNTING_SECONDS)
        return done.requests

    async def tokens(
        self, world: World, side: Side, client: Client, kind: str, count: int, resource: str = RESOURCE
    ) -> list[str]:
        """Return the tokens of `count` code flows."""
        found: list[str] = []
        await world.forget_codes()

        async def begin(browser: Browser, _: int) -> None:
            await signed_in(side, browser, client, world.person())

        async def once(browser: Browser, _: int) -> None:
            found.append((await code_flow(side, browser, client, resource))[kind])

        await timed(side, once, begin=begin, concurrency=world.concurrency, limit=count)
        return found


class RefreshPublic(_Endpoint):
    """Each refresh consumes a token and returns its successor."""

    name = "refresh, public client, rotation"

    async def prepare(self, world: World, side: Side) -> None:
        """See `Scenario`."""
        count = world.grants * world.slices
        world.prepared[side.name, self.name] = await self.tokens(world, side, PUBLIC, "refresh_token", count)

    async def plan(self, world: World, side: Side) -> Plan:
        """See `_Endpoint`."""
        left = world.prepared[side.name, self.name]
        mine, left[: world.grants] = left[: world.grants], []
        form = urlencode({"grant_type": "refresh_token", "client_id": PUBLIC.client_id})
        return Plan("/token", tokens=mine, form=form)


class RefreshConfidential(_Endpoint):
    """Refresh by a confidential client, without rotation."""

    name = "refresh, confidential client"

    async def prepare(self, world: World, side: Side) -> None:
        """See `Scenario`."""
        world.prepared[side.name, self.name] = await self.tokens(
            world, side, basic(WEB), "refresh_token", world.grants
        )

    async def plan(self, world: World, side: Side) -> Plan:
        """See `_Endpoint`."""
        forms = [
            f"grant_type=refresh_token&refresh_token={quote(token, safe='')}"
            for token in world.prepared[side.name, self.name]
        ]
        return Plan("/token", f"Basic {basic(WEB).basic}", forms)


class ClientCredentials(_Endpoint):
    """Client credentials: a token for a service itself."""

    name = "client credentials"

    async def plan(self, world: World, side: Side) -> Plan:
        """See `_Endpoint`."""
        form = urlencode({"grant_type": "client_credentials", "scope": "directory:read"})
        return Plan("/token", f"Basic {basic(SERVICE).basic}", [form])


class Introspection(_Endpoint):
    """Introspection of a person's access token by a resource server."""

    name = "introspection"

    async def prepare(self, world: World, side: Side) -> None:
        """See `Scenario`."""
        resource = OPAQUE if isinstance(side, Peer) else RESOURCE
        made = await self.tokens(world, side, PUBLIC, "access_token", 200, resource)
        world.prepared[side.name, self.name] = made
        browser = Browser("127.0.0.1", side.port)
        answer = await browser.post(_introspect(side), {"token": made[0]}, basic(SERVICE).headers)
        browser.close()
        if json.loads(answer.body).get("active") is not True:
            raise RuntimeError(f"{side.name} does not introspect its token: {answer.body!r}")

    async def plan(self, world: World, side: Side) -> Plan:
        """See `_Endpoint`."""
        forms = [f"token={quote(token, safe='')}" for token in world.prepared[side.name, self.name]]
        return Plan(_introspect(side), f"Basic {basic(SERVICE).basic}", forms)


def _introspect(side: Side) -> str:
    return "/token/introspection" if isinstance(side, Peer) else "/introspect"


ALL: dict[str, Scenario] = {
    "sign-in": SignIn(),
    "code": CodeFlow(),
    "refresh": RefreshPublic(),
    "refresh-confidential": RefreshConfidential(),
    "client-credentials": ClientCredentials(),
    "introspection": Introspection(),
    "revocation": Revocation(),
}
