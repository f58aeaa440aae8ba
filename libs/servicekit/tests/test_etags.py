"""ETag and If-Match: a write says which version it saw."""

import httpx
import pytest
from fastapi import FastAPI, Response

from servicekit.etags import IfMatch, RequiredIfMatch, SeenVersions, VersionChanged, etag
from servicekit.problems import Change, body_of, install


@pytest.fixture
async def client() -> httpx.AsyncClient:
    app = FastAPI()
    install(app)

    @app.put("/required")
    async def required(seen: RequiredIfMatch, response: Response) -> None:
        seen.require(3)
        response.headers["ETag"] = etag(4)

    @app.put("/optional")
    async def optional(seen: IfMatch) -> bool:
        return seen is None

    return httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://service")


def test_a_write_must_have_seen_the_present_version() -> None:
    SeenVersions(frozenset({'"7"', '"1"'})).require(1)
    SeenVersions(frozenset({"*"})).require(1)
    for stale in ('"2"', 'W/"1"', "1", ""):
        with pytest.raises(VersionChanged):
            SeenVersions(frozenset({stale})).require(1)


@pytest.mark.parametrize(
    ("header", "status", "code"),
    [
        (None, 428, "precondition_required"),
        ('"2"', 412, "version_changed"),
        ('W/"3"', 412, "version_changed"),
        ('"3"', 200, None),
        ('"2", "3"', 200, None),
        ("*", 200, None),
        ("x" * 201, 422, "invalid_shape"),
    ],
)
async def test_a_version_that_must_be_named(
    client: httpx.AsyncClient, header: str | None, status: int, code: str | None
) -> None:
    response = await client.put("/required", headers={} if header is None else {"If-Match": header})
    assert response.status_code == status
    if code is None:
        assert response.headers["ETag"] == '"4"'
    else:
        assert response.json()["code"] == code


async def test_a_version_that_may_be_named(client: httpx.AsyncClient) -> None:
    assert (await client.put("/optional")).json() is True
    assert (await client.put("/optional", headers={"If-Match": '"1"'})).json() is False


def test_a_change_by_somebody_unknown_is_as_documented() -> None:
    """What is not known is left out of the body (`body_of`), so the document must not require it."""
    problem = VersionChanged()
    problem.changed = Change(version=4, by=None, name=None, at=None)
    assert body_of(problem)["changed"] == {"version": 4}
    assert Change.model_json_schema()["required"] == ["version"]
