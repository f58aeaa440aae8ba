"""SMS inbox of dev mode, which shows the codes of `make run`. Not mounted otherwise."""

from typing import Annotated, Any

from fastapi import APIRouter, Query, Request, Response

from identity.pages.rendering import page
from identity.sms.dispatcher import SmsDispatcher
from identity.sms.gateway import DevInbox, Message

router = APIRouter(prefix="/dev", include_in_schema=False)


@router.get("/sms")
async def inbox_page(request: Request) -> Response:
    """Show the last messages, newest first."""
    return page("inbox.html", messages=(await _messages(request))[:50])


@router.get("/sms.json")
async def inbox(request: Request, phone: Annotated[str, Query(max_length=20)]) -> list[dict[str, Any]]:
    """Return messages to one number, newest first."""
    return [{"text": m.text, "at": m.at} for m in await _messages(request) if m.phone == phone]


async def _messages(request: Request) -> list[Message]:
    """Return all committed messages, newest first."""
    dispatcher: SmsDispatcher = request.app.state.sms_dispatcher
    await dispatcher.drain()
    inbox: DevInbox = request.app.state.sms
    return list(reversed(inbox.messages))
