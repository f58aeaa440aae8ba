"""Requests made up from an application's OpenAPI document, and answers that the document does not describe.

Schemathesis makes the requests and judges the answers. The same requests come every time: they are derived
from the document, not from chance.
"""

import contextlib
import os
from collections import Counter
from collections.abc import Awaitable, Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, TypeAlias, cast

import httpx
import requests
import schemathesis
from fastapi import FastAPI
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis.errors import Unsatisfiable
from schemathesis import Case, GenerationMode
from schemathesis.checks import not_a_server_error
from schemathesis.core.failures import FailureGroup
from schemathesis.core.result import Ok
from schemathesis.schemas import APIOperation
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_schema_conformance,
    status_code_conformance,
)

EXAMPLES = int(os.environ.get("DOCUMENTED_EXAMPLES", "1"))
"""Requests for each operation and caller; `make test-long` sends more."""
_CHECKS = [
    not_a_server_error,
    status_code_conformance,
    content_type_conformance,
    response_schema_conformance,
]

Headers = Mapping[str, str]
Caller = Callable[[], Awaitable[Headers]]
"""Returns the headers of somebody's next request."""
Made = APIOperation[Any, Any, Any, Any]
RequestCase: TypeAlias = "Case[Any]"


@dataclass
class Judged:
    """What came of all requests."""

    faults: list[str] = field(default_factory=list)
    """Answers that the document does not describe."""
    answers: dict[str, Counter[int]] = field(default_factory=dict)
    """How often each caller got each status."""


async def judged(
    app: FastAPI,
    http: httpx.AsyncClient,
    callers: Mapping[str, Caller],
    *,
    known: Mapping[str, Sequence[str]],
    skipped: Collection[str] = (),
    last: Sequence[str] = (),
) -> Judged:
    """Have all callers try all operations, which are named by their ids, but those `skipped`. After those of
    `last`, somebody can do less.

    Half of the requests name what exists: `known` has values of fields and parameters by their names.
    """
    result = Judged(answers={name: Counter() for name in callers})
    order = list(callers)
    schema = schemathesis.openapi.from_dict(app.openapi())
    operations: dict[str, Made] = {}
    for made in schema.get_all_operations():
        assert isinstance(made, Ok), made
        operation = made.ok()
        operations[operation.definition.raw["operationId"]] = operation
    assert operations.keys() >= {*skipped, *last}
    first = [name for name in operations if name not in {*skipped, *last}]
    for place, operation_id in enumerate((*first, *last)):
        operation = operations[operation_id]
        cases = _cases(operation, GenerationMode.POSITIVE, EXAMPLES * len(order))
        if EXAMPLES > 1:
            cases += _cases(operation, GenerationMode.NEGATIVE, EXAMPLES * len(order))
        for number in range(max(len(cases), len(order))):
            # The first example is the simplest, so it is another caller's at each operation.
            name = order[(number + place) % len(order)]
            case = cases[number % len(cases)]
            if number % 2 == 0:
                _name_known(case, known, number)
            request = _request(case, await callers[name]())
            if request is None:
                continue
            answer = await http.send(request)
            result.answers[name][answer.status_code] += 1
            result.faults += [f"{name}: {fault}" for fault in _faults(case, answer)]
    return result


def _cases(operation: Made, mode: GenerationMode, number: int) -> list[RequestCase]:
    """Make up to `number` different requests that fit the document, or that do not."""
    found: list[RequestCase] = []

    @settings(
        max_examples=number,
        derandomize=True,
        database=None,
        deadline=None,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    @given(case=operation.as_strategy(generation_mode=mode))
    def collect(case: RequestCase) -> None:
        found.append(case)

    # An operation without parameters and body has nothing that could be wrong.
    with contextlib.suppress(Unsatisfiable):
        collect()
    return found


def _name_known(case: RequestCase, known: Mapping[str, Sequence[str]], number: int) -> None:
    for part in (case.path_parameters, case.query, case.body):
        _replace(part, known, number)


def _replace(value: object, known: Mapping[str, Sequence[str]], number: int) -> None:
    if isinstance(value, dict):
        for name, inner in value.items():
            if name in known and isinstance(inner, str):
                value[name] = known[name][number % len(known[name])]
            else:
                _replace(inner, known, number)
    elif isinstance(value, list):
        for inner in value:
            _replace(inner, known, number)


def _request(case: RequestCase, headers: Headers) -> httpx.Request | None:
    """Return the request as requests would send it; None if HTTP cannot carry it, such as a line feed in a
    header.
    """
    made = case.as_transport_kwargs(base_url="http://localhost")
    names = ("method", "url", "headers", "params", "data", "json", "files", "cookies")
    # Schemathesis makes up a token, too.
    own = {name: value for name, value in made["headers"].items() if name.lower() != "authorization"}
    values = {name: made[name] for name in names if name in made} | {"headers": own | dict(headers)}
    try:
        sent = requests.Request(**values).prepare()
        # Files have been put into the body as bytes.
        headers, body = cast(dict[str, str], dict(sent.headers)), cast(bytes | None, sent.body)
        return httpx.Request(sent.method or "", sent.url or "", headers=headers, content=body)
    except (requests.RequestException, httpx.InvalidURL, UnicodeEncodeError):
        return None


def _faults(case: RequestCase, answer: httpx.Response) -> list[str]:
    try:
        case.validate_response(answer, checks=_CHECKS)
    except FailureGroup as group:
        said, label = " ".join(answer.text[:300].split()), case.operation.label
        return [
            f"{label} → {answer.status_code}: {type(one).__name__} {one.message[:300]} | {said}"
            for one in group.exceptions
        ]
    return []
