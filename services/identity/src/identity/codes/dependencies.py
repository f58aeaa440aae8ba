"""What endpoints take of SMS codes."""

from typing import Annotated

from fastapi import Depends, Request

from identity.codes.service import CodeSender
from identity.dependencies import Clock, Settings, Vault
from identity.sms.dependencies import Messages
from servicekit.db import Session


async def _sender(
    request: Request, session: Session, clock: Clock, vault: Vault, settings: Settings, messages: Messages
) -> CodeSender:
    address = request.client.host if request.client else "-"
    return CodeSender(session, clock, vault, settings, messages, address)


Sender = Annotated[CodeSender, Depends(_sender)]
