"""Every refusal with 429 or 503 tells when to try again (RFC 9110 §10.2.3)."""

import inspect
from collections.abc import Callable, Iterator
from importlib import import_module
from pathlib import Path

import pytest

from servicekit.problems import RETRIED, Problem, response_of

ROOT = Path(__file__).parents[2]
for path in [*ROOT.glob("libs/*/src/**/errors.py"), *ROOT.glob("services/*/src/**/errors.py")]:
    import_module(".".join(path.with_suffix("").parts[path.parts.index("src") + 1 :]))


def subclasses(of: type[Problem]) -> Iterator[type[Problem]]:
    for one in of.__subclasses__():
        yield one
        yield from subclasses(one)


REFUSALS = sorted(
    {one for one in subclasses(Problem) if one.status in RETRIED and not one.__module__.startswith("test")},
    key=lambda one: (one.__module__, one.__name__),
)


def test_there_are_such_refusals() -> None:
    assert len(REFUSALS) > 5


@pytest.mark.parametrize("refusal", REFUSALS, ids=lambda refusal: refusal.__name__)
def test_a_refusal_for_now_has_retry_after(refusal: type[Problem]) -> None:
    parameters = list(inspect.signature(refusal.__init__).parameters.values())[1:]
    required = [7 for parameter in parameters if parameter.default is parameter.empty and parameter.kind < 2]
    # Refusals that take arguments take the seconds to wait.
    make: Callable[..., Problem] = refusal
    response = response_of(make(*required))
    assert int(response.headers["Retry-After"]) > 0
