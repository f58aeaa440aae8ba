"""People with memberships, and tasks that a feature opens."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any
from uuid import UUID

import httpx
from sqlalchemy import insert

from contracts.vocabulary import Role, TaskKind
from office.directory.models import Person
from office.tasks.service import NewTask, Tasks, ToPerson, ToUnit
from servicekit.ids import new_id
from services.office.tests.support.running_office import RunningOffice


async def a_person(
    office: RunningOffice, *codes: str, name: str = "张三", roles: tuple[str, ...] = (Role.HANDLER,)
) -> UUID:
    """A person of the replica who belongs to the units `codes`, the first of them primarily."""
    sub = new_id()
    units = [office.world.units[code] for code in codes]
    async with office.database.transaction() as session:
        await session.execute(
            insert(Person).values(
                sub=sub,
                name=name,
                phone_masked="138****0000",
                status="active",
                unit_id=units[0]["id"],
                unit_path=units[0]["path"],
                roles=list(roles),
                version=1,
                memberships=[
                    {"unit_id": unit["id"], "unit_path": unit["path"], "roles": list(roles)} for unit in units
                ],
            )
        )
    return sub


def acting(office: RunningOffice, sub: UUID, code: str, *roles: str) -> httpx.AsyncClient:
    """A client of the person `sub`, who acts for the unit `code`."""
    return office.unit(code, *(roles or (Role.HANDLER,)), sub=str(sub))


@asynccontextmanager
async def feature(office: RunningOffice) -> AsyncIterator[Tasks]:
    """The tasks, as a feature uses them in a transaction of its own."""
    async with office.database.transaction() as session:
        yield Tasks(session, office.clock)


def to_unit(office: RunningOffice, code: str, *roles: str) -> ToUnit:
    return ToUnit(office.world.units[code]["id"], roles)


async def opened(office: RunningOffice, to: ToUnit | ToPerson, **changes: Any) -> UUID:
    """A task that a feature has opened."""
    key = str(new_id())
    new = NewTask(
        **{
            "kind": TaskKind.HANDLE,
            "key": key,
            "subject": f"notice/{key}",
            "title": "关于举办全国学生资助业务培训的通知",
            "link": f"/notices/{key}",
            **changes,
        }
    )
    async with feature(office) as tasks:
        return await tasks.open(new, to)


async def listed(client: httpx.AsyncClient, **params: Any) -> list[dict[str, Any]]:
    """The items of a list."""
    response = await client.get("/api/v1/tasks", params=params)
    assert response.status_code == 200, response.text
    items: list[dict[str, Any]] = response.json()["items"]
    return items


async def ids(client: httpx.AsyncClient, **params: Any) -> list[str]:
    return [item["id"] for item in await listed(client, **params)]
