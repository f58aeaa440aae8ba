"""Verifies that a request comes from the gateway."""

from typing import Annotated

from fastapi import Depends, Header, Request

from identity.codes.errors import TextingOff
from identity.dependencies import ServiceSettings
from identity.inbound.errors import NotFromGateway
from identity.inbound.rules import is_signed
from servicekit.dependencies import ServiceClock


async def _from_gateway(
    request: Request,
    settings: ServiceSettings,
    clock: ServiceClock,
    timestamp: Annotated[
        str, Header(alias="X-Timestamp", max_length=20, description="签名时间，1970 年以来的秒数")
    ] = "",
    given: Annotated[
        str,
        Header(
            alias="X-Signature",
            max_length=100,
            description="`sha256=` 加十六进制的 HMAC-SHA-256，用约定的密钥对签名时间、`.` 和请求正文计算",
        ),
    ] = "",
) -> None:
    secret = settings.sms_inbound_secret
    if secret is None or settings.texting_number is None:
        raise TextingOff
    if not is_signed(secret.get_secret_value(), timestamp, given, await request.body(), clock.now()):
        raise NotFromGateway


FromGateway = Annotated[None, Depends(_from_gateway)]
"""The SMS gateway."""
