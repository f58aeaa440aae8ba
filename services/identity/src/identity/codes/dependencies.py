"""Builds the feature's services for one request."""

from typing import Annotated

from fastapi import Depends, Request

from identity.codes.browsers import device_cookie
from identity.codes.challenges import Challenges
from identity.codes.service import Codes, CodeSender, Failures
from identity.dependencies import ServiceSettings, ServiceVault
from identity.sms.dependencies import MessageService
from servicekit.db import Session
from servicekit.dependencies import ServiceClock


async def _codes(session: Session, clock: ServiceClock, vault: ServiceVault) -> Codes:
    return Codes(session, clock, vault)


async def _failures(request: Request, session: Session, clock: ServiceClock, vault: ServiceVault) -> Failures:
    return Failures(session, clock, vault, device_cookie(request))


FailureService = Annotated[Failures, Depends(_failures)]
CodeService = Annotated[Codes, Depends(_codes)]


async def _sender(
    request: Request,
    session: Session,
    clock: ServiceClock,
    vault: ServiceVault,
    settings: ServiceSettings,
    messages: MessageService,
) -> CodeSender:
    address = request.client.host if request.client else "-"
    return CodeSender(session, clock, vault, settings, messages, address, device_cookie(request))


async def _challenges(
    request: Request, session: Session, clock: ServiceClock, vault: ServiceVault, settings: ServiceSettings
) -> Challenges:
    address = request.client.host if request.client else "-"
    return Challenges(session, clock, vault, settings, address)


ChallengeService = Annotated[Challenges, Depends(_challenges)]
CodeSenderService = Annotated[CodeSender, Depends(_sender)]
