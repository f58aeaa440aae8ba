"""People who ask again until they are answered."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any, Final

import httpx
from authlib.common.errors import AuthlibBaseError

from bench.chaos.ledger import Ledger
from onebox.demo.people import Failed, Person

PAUSE: Final = 0.3
# What a request meets while something is down: no connection, no answer, an answer that is not the flow's.
TROUBLE: Final = (httpx.HTTPError, Failed, AuthlibBaseError, KeyError, ValueError)
_LATER: Final = (429, 502, 503, 504, 507)


async def answered(
    ledger: Ledger, person: Person, call: Callable[[], Awaitable[httpx.Response]], *expected: int
) -> httpx.Response:
    """Return the first answer that is one of `expected`.

    What says that it can be asked again later is asked again. Anything else is a surprise, and asked again
    too: so it is seen how often it comes.
    """
    while True:
        try:
            answer = await call()
        except TROUBLE as error:
            ledger.refused[type(error).__name__] += 1
        else:
            if answer.status_code in expected:
                return answer
            if answer.status_code == 401:
                person.forget_tokens()
            note = ledger.refused if answer.status_code in _LATER else ledger.surprises
            note[_told(answer)] += 1
        ledger.again += 1
        await asyncio.sleep(PAUSE)


def _told(answer: httpx.Response) -> str:
    service = answer.request.url.port
    path = "/".join("{id}" if len(part) >= 32 else part for part in answer.request.url.path.split("/"))
    return f"{answer.status_code} {_code(answer)} {answer.request.method} :{service}{path}"


def _code(answer: httpx.Response) -> str:
    try:
        body: Any = answer.json()
        return str(body.get("code", ""))
    except (ValueError, AttributeError):
        return answer.text[:80]
