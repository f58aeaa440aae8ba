"""Builds the feature's service for one request."""

from typing import Annotated

from fastapi import Depends, Request

from identity.dependencies import ServiceVault
from identity.sms.dispatcher import SmsDispatcher
from identity.sms.service import TextMessages
from servicekit.db import Session
from servicekit.dependencies import ServiceClock


async def _messages(
    request: Request, session: Session, clock: ServiceClock, vault: ServiceVault
) -> TextMessages:
    dispatcher: SmsDispatcher = request.app.state.sms_dispatcher
    return TextMessages(session, clock, vault, dispatcher)


MessageService = Annotated[TextMessages, Depends(_messages)]
