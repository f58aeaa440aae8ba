"""Queues text messages to be sent after the commit."""

import json
from datetime import timedelta

from sqlalchemy.ext.asyncio import AsyncSession

from identity.sms.dispatcher import SmsDispatcher
from identity.sms.errors import SmsUnavailable
from identity.sms.models import SmsMessage
from identity.sms.repository import SmsRepository
from identity.sms.rules import NOTICE_LIFETIME, SEALED_FOR
from identity.vault import Vault
from servicekit.clock import Clock
from servicekit.ids import new_id
from servicekit.lane_sessions import after_commit, runner_of

_TOPIC = "sms-topic"


class TextMessages:
    """Text messages for one request; `dispatcher` sends them after the commit."""

    def __init__(self, session: AsyncSession, clock: Clock, vault: Vault, dispatcher: SmsDispatcher) -> None:
        self._session = session
        self._clock = clock
        self._vault = vault
        self._dispatcher = dispatcher
        self._rows = SmsRepository(runner_of(session))

    def check_gateway(self) -> None:
        """Raise `SmsUnavailable` while the gateway is down, for messages that would be useless later."""
        if self._dispatcher.gateway_down():
            raise SmsUnavailable

    async def queue(
        self, phone: str, text: str, *, lifetime: timedelta = NOTICE_LIFETIME, topic: str | None = None
    ) -> None:
        """Queue `text` for `phone` (11 digits); it is sent if the transaction commits. An account without a
        number gets no message.

        It is discarded after `lifetime`. It replaces an unsent message of the same `topic`.
        """
        if not phone.isdigit():
            # The placeholder of an account whose number went to another person.
            return
        now = self._clock.now()
        if topic is not None:
            await self._rows.supersede(self._vault.indexes(_TOPIC, topic), now)
        await self._rows.add(
            SmsMessage(
                id=new_id(),
                sealed=self._vault.seal(SEALED_FOR, json.dumps([phone, text])),
                topic=None if topic is None else self._vault.index(_TOPIC, topic),
                created_at=now,
                expires_at=now + lifetime,
                next_attempt_at=now,
                attempts=0,
            )
        )
        after_commit(self._session, self._dispatcher.wake)
