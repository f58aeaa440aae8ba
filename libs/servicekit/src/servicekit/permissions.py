"""Which permission an endpoint requires, as its dependencies declare it: for the reference of the API."""

from collections.abc import Callable, Iterator
from typing import Any, Final, TypeVar

from fastapi.dependencies.models import Dependant

from contracts.vocabulary import Permission
from servicekit.problems import Problem

_Dependency = TypeVar("_Dependency", bound=Callable[..., Any])
_MARK: Final = "__permissions__"


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


def required_by(endpoint: Dependant) -> tuple[tuple[Permission, ...], ...]:
    """Return what the dependencies of an endpoint require: of each group one permission at least."""
    return tuple(dict.fromkeys(_groups(endpoint)))


def _groups(dependant: Dependant) -> Iterator[tuple[Permission, ...]]:
    for one in dependant.dependencies:
        found: tuple[Permission, ...] = getattr(one.call, _MARK, ())
        if found:
            yield found
        yield from _groups(one)
