"""Forms and queries for routes that are called directly (`servicekit.routing.DirectRoute`)."""

from collections.abc import Iterable
from typing import TypeVar
from urllib.parse import parse_qsl

from fastapi import Request
from fastapi.exceptions import RequestValidationError
from pydantic import BaseModel, ValidationError

Fields = TypeVar("Fields", bound=BaseModel)


async def form_pairs(request: Request) -> list[tuple[str, str]]:
    """Return the pairs of a form body, including repeated names; nothing for another content type."""
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if kind != "application/x-www-form-urlencoded":
        return []
    body = await request.body()
    try:
        return parse_qsl(body.decode(), keep_blank_values=True, max_num_fields=100)
    except ValueError:
        return []


async def fields_of_form(request: Request, model: type[Fields]) -> Fields:
    """Return the fields of a form body. Raises RequestValidationError, as FastAPI does."""
    return _read("body", await form_pairs(request), model)


def fields_of_query(request: Request, model: type[Fields]) -> Fields:
    """Return the parameters of a query. Raises RequestValidationError, as FastAPI does."""
    return _read("query", request.query_params.multi_items(), model)


def _read(place: str, pairs: Iterable[tuple[str, str]], model: type[Fields]) -> Fields:
    # As FastAPI does: a field without a value has its default.
    given = {name: value for name, value in pairs if value}
    try:
        return model.model_validate(given)
    except ValidationError as error:
        found = [{**one, "loc": (place, *one["loc"])} for one in error.errors(include_url=False)]
        raise RequestValidationError(found, body=given) from error
