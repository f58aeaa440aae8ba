"""NUL and lone surrogates are refused where a request is parsed, before any of it is used."""

import httpx
import pytest

from servicekit.text import is_storable, unstorable


@pytest.mark.parametrize("escape", [r"\u0000", r"\ud800", r"\udfff", r"a\ud83dz"])
async def test_a_json_body_that_cannot_be_stored_is_422_and_names_the_field(
    client: httpx.AsyncClient, escape: str
) -> None:
    answer = await client.post(
        "/api/v1/notes",
        content=f'{{"title": "{escape}"}}'.encode(),
        headers={"content-type": "application/json"},
    )
    assert (answer.status_code, answer.json()["code"]) == (422, "invalid_shape")
    assert [error["pointer"] for error in answer.json()["errors"]] == ["/title"]


@pytest.mark.parametrize("number", ["NaN", "-Infinity", "1e999"])
async def test_a_number_that_is_not_finite_is_422_and_names_the_field(
    client: httpx.AsyncClient, number: str
) -> None:
    answer = await client.post(
        "/api/v1/notes",
        content=f'{{"title": "a", "more": [1e300, {number}]}}'.encode(),
        headers={"content-type": "application/json"},
    )
    assert (answer.status_code, answer.json()["code"]) == (422, "invalid_shape")
    (error,) = answer.json()["errors"]
    assert (error["pointer"], error["detail"]) == ("/more/1", "不是有限的数")


async def test_a_query_that_cannot_be_stored_is_422_and_names_it(
    client: httpx.AsyncClient,
) -> None:
    answer = await client.get("/api/v1/search?q=a%00b")
    assert answer.status_code == 422
    assert [error["parameter"] for error in answer.json()["errors"]] == ["q"]


async def test_a_surrogate_pair_is_one_character_and_accepted(client: httpx.AsyncClient) -> None:
    answer = await client.post(
        "/api/v1/notes", content=rb'{"title": "\ud83d\ude00"}', headers={"content-type": "application/json"}
    )
    assert (answer.status_code, answer.json()["title"]) == (201, "\U0001f600")


def test_unstorable_text_is_found_at_any_depth_and_in_keys() -> None:
    value = {"a": [{"b": "x\0"}, "fine"], "\ud800": 1, "c": {"d": ["\udc00"]}}
    assert set(unstorable(value)) == {(), ("a", 0, "b"), ("c", "d", 0)}
    assert is_storable("助学 \U0001f600")
