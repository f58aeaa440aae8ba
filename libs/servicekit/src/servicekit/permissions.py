"""Which permission an endpoint requires, as its dependencies declare it: for the reference of the API."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, Final, TypeVar

from fastapi.dependencies.models import Dependant

from contracts.vocabulary import Permission
from servicekit.problems import Problem

_Dependency = TypeVar("_Dependency", bound=Callable[..., Any])
_MARK: Final = "__permissions__"
_STEP_UP: Final = "__step_up__"


class PermissionRequired(Problem):
    """The person's roles do not include the required permission."""

    status = 403
    code = "permission_required"
    title = "没有此项权限"
    detail = "您的角色没有此项权限，请联系管理员。"


def requiring(*permissions: str) -> Callable[[_Dependency], _Dependency]:
    """Declare that a dependency of endpoints refuses whoever has none of `permissions`.

    It changes nothing else: the dependency itself verifies them. Raises ValueError for a word that is no
    `Permission`.
    """
    words = tuple(Permission(one) for one in permissions)

    def mark(dependency: _Dependency) -> _Dependency:
        setattr(dependency, _MARK, words)
        return dependency

    return mark


@dataclass(frozen=True)
class StepUp:
    """How the person has to have signed in (RFC 9470): the lowest level and the highest age in seconds."""

    acr: str | None
    max_age: int | None
    refusal: type[Problem]
    permission: Permission | None = None
    """Only whoever has this permission; None is everybody."""


def stepping_up(
    acr: str | None, max_age: int | None, refusal: type[Problem], permission: str | None = None
) -> Callable[[_Dependency], _Dependency]:
    """Declare that a dependency of endpoints challenges, with `refusal`, whoever has signed in too weakly or
    too long ago.

    Like `requiring`, it changes nothing else. Without effect if both are None.
    """

    def mark(dependency: _Dependency) -> _Dependency:
        if acr is not None or max_age is not None:
            only = None if permission is None else Permission(permission)
            setattr(dependency, _STEP_UP, StepUp(acr, max_age, refusal, only))
        return dependency

    return mark


def step_up_of(endpoint: Dependant) -> StepUp | None:
    """Return the sign-in that the dependencies of an endpoint require, the first if there are several."""
    return next(_step_ups(endpoint), None)


def _step_ups(dependant: Dependant) -> Iterator[StepUp]:
    for one in dependant.dependencies:
        found: StepUp | None = getattr(one.call, _STEP_UP, None)
        if found is not None:
            yield found
        yield from _step_ups(one)


def required_by(endpoint: Dependant) -> tuple[tuple[Permission, ...], ...]:
    """Return what the dependencies of an endpoint require: of each group one permission at least."""
    return tuple(dict.fromkeys(_groups(endpoint)))


def _groups(dependant: Dependant) -> Iterator[tuple[Permission, ...]]:
    for one in dependant.dependencies:
        found: tuple[Permission, ...] = getattr(one.call, _MARK, ())
        if found:
            yield found
        yield from _groups(one)
