"""The day's budgets of text messages to administrators."""

from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from identity.reminders.repository import TOTAL, ReminderRepository
from identity.settings import Settings
from servicekit.clock import SHANGHAI, Clock


class ReminderBudgets:
    """Budgets of each unit and of all units, for a day in Beijing time, within one transaction."""

    def __init__(self, session: AsyncSession, clock: Clock, settings: Settings) -> None:
        self._rows = ReminderRepository(session)
        self._clock = clock
        self._settings = settings

    async def spend(self, unit_id: UUID) -> bool:
        """Count one message to an administrator of a unit; return False if a budget is used up.

        The rows stay locked, the unit's before that of all units.
        """
        day = self._clock.now().astimezone(SHANGHAI).date()
        return await self._rows.spend(
            str(unit_id), day, self._settings.reminder_budget_per_unit
        ) and await self._rows.spend(TOTAL, day, self._settings.reminder_budget_total)
