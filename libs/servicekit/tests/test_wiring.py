"""Services of a route that is called directly are those that FastAPI would build."""

from collections.abc import AsyncIterator
from typing import Annotated, Any

import pytest
from fastapi import Depends, Query, Request

from servicekit.db import Session
from servicekit.wiring import Wiring

built: list[str] = []


class Repository:
    def __init__(self, session: Session) -> None:
        built.append("repository")
        self.session = session


async def _path(request: Request) -> str:
    built.append("path")
    return request.url.path


Repositories = Annotated[Repository, Depends()]
Path = Annotated[str, Depends(_path)]


class Service:
    def __init__(self, repository: Repositories, path: Path) -> None:
        self.repository, self.path = repository, path


async def two(service: Annotated[Service, Depends()], path: Path, rows: Repositories) -> tuple[Any, ...]:
    return service, path, rows


async def generated(session: Session) -> AsyncIterator[None]:
    yield


def request() -> Request:
    return Request({"type": "http", "path": "/login", "headers": [], "server": ("localhost", 80)})


async def test_each_is_built_once_for_a_request() -> None:
    built.clear()
    session: Any = object()
    service, path, rows = await Wiring(two)(request(), session)
    assert (service.path, path, service.repository, rows.session) == ("/login", "/login", rows, session)
    assert built == ["repository", "path"]
    assert await Wiring(two)(request(), session) != (service, path, rows)


async def asked(page: Annotated[int, Query()]) -> int:
    return page


async def bare(page: int) -> int:
    return page


@pytest.mark.parametrize("call", [asked, bare, generated])
def test_what_only_fastapi_can_give_is_refused(call: Any) -> None:
    with pytest.raises(TypeError):
        Wiring(call)
