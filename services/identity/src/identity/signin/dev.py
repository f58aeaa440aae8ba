"""The SMS inbox of dev mode: where the codes of `make run` can be read. Not mounted otherwise."""

from typing import Annotated, Any

from fastapi import APIRouter, Query, Request, Response

from identity.codes.gateway import DevInbox
from identity.pages.rendering import page

router = APIRouter(prefix="/dev", include_in_schema=False)


@router.get("/sms")
async def inbox_page(request: Request) -> Response:
    """The last messages, newest first."""
    inbox: DevInbox = request.app.state.sms
    return page("inbox.html", messages=list(reversed(inbox.messages))[:50])


@router.get("/sms.json")
async def inbox(request: Request, phone: Annotated[str, Query(max_length=20)]) -> list[dict[str, Any]]:
    """Messages to one number, newest first."""
    box: DevInbox = request.app.state.sms
    return [{"text": m.text, "at": m.at} for m in reversed(box.messages) if m.phone == phone]
