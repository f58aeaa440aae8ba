"""What endpoints take of text messages."""

from typing import Annotated

from fastapi import Depends, Request

from identity.dependencies import Clock, Vault
from identity.sms.dispatcher import SmsDispatcher
from identity.sms.service import TextMessages
from servicekit.db import Session


async def _messages(request: Request, session: Session, clock: Clock, vault: Vault) -> TextMessages:
    dispatcher: SmsDispatcher = request.app.state.sms_dispatcher
    return TextMessages(session, clock, vault, dispatcher)


Messages = Annotated[TextMessages, Depends(_messages)]
