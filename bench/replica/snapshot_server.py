"""Identity's snapshot API with generated units and people, page by page.

    python -m bench.replica.snapshot_server PORT UNITS PEOPLE

Ids grow with their number, so a cursor is a number. `POST /version` with a share has that share of all units
and people appear changed from then on.
"""

import sys
from uuid import UUID

import uvicorn
from fastapi import FastAPI, Request, Response

from contracts.identity import PersonChangedV1, UnitChangedV1

COUNTIES = 3_000
CITIES = 340
PROVINCES = 32


def unit_id(number: int) -> UUID:
    """Return the id of the unit with this number."""
    return UUID(int=7 << 76 | 2 << 62 | number)


def path_of(number: int) -> str:
    """Return the place of a unit: the centre, provinces, cities, counties, and schools below counties."""
    if number == 0:
        return "100000"
    if number <= PROVINCES:
        return f"100000.P{number}"
    if number <= PROVINCES + CITIES:
        return f"100000.P{number % PROVINCES + 1}.C{number}"
    if number <= PROVINCES + CITIES + COUNTIES:
        return f"{path_of(PROVINCES + 1 + number % CITIES)}.D{number}"
    return f"{path_of(PROVINCES + CITIES + 1 + number % COUNTIES)}.S{number}"


def unit(number: int, version: int) -> str:
    """Return a unit as JSON."""
    path = path_of(number)
    return UnitChangedV1(
        unit_id=unit_id(number),
        code=path.rsplit(".", 1)[-1],
        name=f"第{number}号学生资助管理中心",
        short_name=f"第{number}号",
        level="school",
        kind="school",
        stages=["compulsory"],
        region_code="370102",
        parent_id=None,
        path=path,
        status="active",
        version=version,
    ).model_dump_json()


def person(number: int, version: int, units: int) -> str:
    """Return a person as JSON."""
    place = number % units
    return PersonChangedV1(
        sub=unit_id(number),
        name=f"人员{number}",
        phone_masked="138****0000",
        status="active",
        unit_id=unit_id(place),
        unit_path=path_of(place),
        roles=["handler"],
        version=version,
    ).model_dump_json()


def build(units: int, people: int) -> FastAPI:
    """Return the server."""
    app = FastAPI()
    changed, version = 0.0, 1

    def version_of(number: int) -> int:
        return version if number % 1000 < changed * 1000 else 1

    @app.post("/token")
    async def token() -> dict[str, object]:
        return {"access_token": "bench", "token_type": "Bearer", "expires_in": 300}

    @app.post("/version")
    async def change(share: float) -> None:
        nonlocal changed, version
        changed, version = share, version + 1

    @app.get("/api/v1/snapshot/{what}")
    async def snapshot(what: str, request: Request, limit: int, cursor: int = 0) -> Response:
        del request
        if what == "roles":
            return Response('{"items":[],"next":null}', media_type="application/json")
        count = units if what == "units" else people
        end = min(cursor + limit, count)
        items = (
            unit(number, version_of(number)) if what == "units" else person(number, version_of(number), units)
            for number in range(cursor, end)
        )
        following = f'"{end}"' if end < count else "null"
        return Response(f'{{"items":[{",".join(items)}],"next":{following}}}', media_type="application/json")

    return app


if __name__ == "__main__":
    port, units, people = map(int, sys.argv[1:])
    uvicorn.run(build(units, people), port=port, log_level="error", access_log=False)
