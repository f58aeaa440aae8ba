"""Sends text messages for reminders of Office."""

from datetime import timedelta
from typing import Final

import structlog
from sqlalchemy.ext.asyncio import AsyncSession

from contracts.office import ReminderRequestedV1
from identity.accounts.service import PHONE
from identity.reminders.budgets import ReminderBudgets
from identity.reminders.repository import ReminderRepository
from identity.reminders.rules import PER_UNIT_AT_ONCE, text_of
from identity.settings import Settings
from identity.sms.dispatcher import SmsDispatcher
from identity.sms.service import TextMessages
from identity.vault import Vault
from messaging.envelope import Envelope
from servicekit.clock import Clock

log = structlog.get_logger("reminders")

LIFETIME: Final = timedelta(hours=12)


class Reminding:
    """Handles `ReminderRequestedV1`: a message to administrators of each unit, within the day's budgets."""

    def __init__(self, settings: Settings, vault: Vault, clock: Clock, dispatcher: SmsDispatcher) -> None:
        self._settings = settings
        self._vault = vault
        self._clock = clock
        self._dispatcher = dispatcher

    async def handle(self, session: AsyncSession, event: ReminderRequestedV1, _: Envelope) -> None:
        """Queue the messages; what exceeds a budget is left out, because units see reminders in Office."""
        now = self._clock.now()
        if not event.sms or now - event.requested_at > LIFETIME:
            return
        reminders = ReminderRepository(session)
        budgets = ReminderBudgets(session, self._clock, self._settings)
        messages = TextMessages(session, self._clock, self._vault, self._dispatcher)
        text = text_of(event.reason, event.title, event.deadline)
        sent = left = 0
        # In the order of the units, so that two events at once wait for each other and not in a circle.
        for unit_id, account in await reminders.administrators(sorted(event.unit_ids), PER_UNIT_AT_ONCE):
            if not await budgets.spend(unit_id):
                left += 1
                continue
            await messages.queue(self._vault.open(PHONE, account.phone_sealed), text, lifetime=LIFETIME)
            sent += 1
        log.info("reminders sent", units=len(event.unit_ids), messages=sent, over_budget=left)
