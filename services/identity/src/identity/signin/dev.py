"""SMS inbox of dev mode, which shows the codes of `make run`, and sends texts like a phone.

Not mounted otherwise.
"""

import secrets
from typing import Annotated, Any
from urllib.parse import urlencode

from fastapi import APIRouter, Form, Query, Request, Response

from identity.accounts.rules import normalise_phone
from identity.codes.dependencies import ChallengeService
from identity.dependencies import ServiceSettings
from identity.pages.rendering import page, see_other
from identity.sms.dispatcher import SmsDispatcher
from identity.sms.gateway import DevInbox, Message

router = APIRouter(prefix="/dev", include_in_schema=False)
_SHOWN = 50
_REFRESH_SECONDS = 5
Phone = Annotated[str, Query(max_length=20)]


@router.get("/sms")
async def inbox_page(
    request: Request, settings: ServiceSettings, phone: Phone = "", still: bool = False, sent: bool = False
) -> Response:
    """Show the last messages, newest first; those to one number if it is given.

    The page loads itself again every few seconds, unless it is to stand `still` (WCAG 2.2.2).
    """
    wanted = phone.strip()
    messages = [m for m in await _messages(request) if not wanted or m.phone == wanted]
    response = page(
        "inbox.html",
        messages=messages[:_SHOWN],
        phone=wanted,
        still=still,
        sent=sent,
        number=settings.texting_number,
    )
    if not still:
        response.headers["Refresh"] = str(_REFRESH_SECONDS)
    return response


@router.post("/sms/send")
async def send(
    challenges: ChallengeService,
    phone: Annotated[str, Form(max_length=40)] = "",
    text: Annotated[str, Form(max_length=2000)] = "",
) -> Response:
    """Send a text message to the platform's number, as the phone with this number."""
    await challenges.receive(secrets.token_hex(16), normalise_phone(phone), text)
    return see_other(f"/dev/sms?{urlencode({'phone': phone, 'still': 'true', 'sent': 'true'})}")


@router.get("/sms.json")
async def inbox(request: Request, phone: Phone) -> list[dict[str, Any]]:
    """Return messages to one number, newest first."""
    return [{"text": m.text, "at": m.at} for m in await _messages(request) if m.phone == phone]


async def _messages(request: Request) -> list[Message]:
    """Return all committed messages, newest first."""
    dispatcher: SmsDispatcher = request.app.state.sms_dispatcher
    await dispatcher.drain()
    inbox: DevInbox = request.app.state.sms
    return list(reversed(inbox.messages))
