"""Entity tags of answers that say when they were made."""

from collections.abc import Callable
from hashlib import sha256

from fastapi import Request, Response
from pydantic import BaseModel

TIMES = {"as_of"}
"""What differs from one answer to the next although nothing has changed."""


def tag_of(answer: BaseModel) -> str:
    """Return a tag that changes exactly when something else than the time of the answer does.

    Weak (RFC 9110 §8.8.1), because answers with the same tag differ in that time.
    """
    content = answer.model_dump_json(exclude=TIMES)
    return f'W/"{sha256(content.encode()).hexdigest()[:32]}"'


def unchanged(request: Request, response: Response, answer: BaseModel) -> Response | None:
    """Set the tag of an answer; return 304 if the caller has the same (RFC 9110 §13.1.2)."""
    tag = tag_of(answer)
    headers = _headers(tag)
    if _seen(request, tag):
        return Response(status_code=304, headers=headers)
    response.headers.update(headers)
    return None


def conditional(request: Request, tag: str, body: Callable[[], bytes]) -> Response:
    """Return a written answer with its tag, or 304 if the caller has the same."""
    headers = _headers(tag)
    if _seen(request, tag):
        return Response(status_code=304, headers=headers)
    return Response(body(), media_type="application/json", headers=headers)


def _headers(tag: str) -> dict[str, str]:
    return {"ETag": tag, "Cache-Control": "private, no-cache", "Vary": "Authorization"}


def _seen(request: Request, tag: str) -> bool:
    seen = [one.strip() for one in request.headers.get("If-None-Match", "").split(",")]
    return "*" in seen or tag.removeprefix("W/") in [one.removeprefix("W/") for one in seen]
