"""Providers of real-name checks (实名核验): over HTTP, or a sandbox in dev mode."""

from dataclasses import dataclass
from typing import Protocol

import httpx
import structlog

from contracts.vocabulary import RealNameOutcome
from servicekit.tracing import HOOKS

log = structlog.get_logger("verification")
_ATTEMPTS = 2
_ANSWERS = {"match": RealNameOutcome.MATCHED, "mismatch": RealNameOutcome.MISMATCHED}


@dataclass(frozen=True)
class Answer:
    """What a provider says."""

    outcome: RealNameOutcome
    reference: str | None = None


class RealNameProvider(Protocol):
    """Compares a name and an identity number with the population register."""

    name: str
    """Recorded with every check."""

    async def check(self, name: str, id_number: str, *, key: str) -> Answer:
        """Return whether name and number belong together; `UNAVAILABLE` without an answer. Never raises.

        Calls with the same `key` are one check.
        """
        ...

    async def close(self) -> None:
        """Close connections."""
        ...


class Sandbox:
    """Answers by the digits 15 to 17 of the number: 999 is a mismatch, 998 no answer, all others match."""

    name = "sandbox"

    async def check(self, name: str, id_number: str, *, key: str) -> Answer:
        """See `RealNameProvider.check`."""
        outcomes = {"999": RealNameOutcome.MISMATCHED, "998": RealNameOutcome.UNAVAILABLE}
        return Answer(outcomes.get(id_number[14:17], RealNameOutcome.MATCHED), f"sandbox-{key}")

    async def close(self) -> None:
        """Do nothing: there are no connections."""


class NoProvider:
    """In production without a provider: nobody can be verified."""

    name = "none"

    async def check(self, name: str, id_number: str, *, key: str) -> Answer:
        """See `RealNameProvider.check`."""
        return Answer(RealNameOutcome.UNAVAILABLE)

    async def close(self) -> None:
        """Do nothing: there are no connections."""


class HttpProvider:
    """Posts `{"name", "id_number"}` with a bearer secret to the adapter of the operator's provider, which
    answers `{"result": "match" | "mismatch", "reference": "…"}`.
    """

    name = "http"

    def __init__(
        self, url: str, secret: str, *, timeout: float, transport: httpx.AsyncBaseTransport | None = None
    ) -> None:
        self._url = url
        headers = {"Authorization": f"Bearer {secret}"}
        self._http = httpx.AsyncClient(
            timeout=timeout, headers=headers, transport=transport, event_hooks=HOOKS
        )

    async def check(self, name: str, id_number: str, *, key: str) -> Answer:
        """See `RealNameProvider.check`. Without an answer, the call is repeated once."""
        for _ in range(_ATTEMPTS):
            try:
                response = await self._http.post(
                    self._url,
                    json={"name": name, "id_number": id_number},
                    headers={"Idempotency-Key": key},
                )
                response.raise_for_status()
                body = response.json()
                outcome = _ANSWERS[body["result"]]
                reference = body.get("reference")
            except (httpx.HTTPError, ValueError, KeyError, TypeError, AttributeError) as error:
                # Name and number must not be logged: log only the type of the error.
                log.warning("real-name check without an answer", error=type(error).__name__)
            else:
                return Answer(outcome, None if reference is None else str(reference)[:200])
        return Answer(RealNameOutcome.UNAVAILABLE)

    async def close(self) -> None:
        """See `RealNameProvider.close`."""
        await self._http.aclose()
