"""Text messages to the people who administer a unit, or else the nearest one above it."""

from collections.abc import Collection, Sequence
from uuid import UUID

from identity.accounts.service import Accounts
from identity.memberships.administrators import Administrators
from identity.reminders import rules
from identity.reminders.budgets import ReminderBudgets
from identity.sms.service import TextMessages


class AdministratorTexts:
    """Text messages to administrators within one transaction, from their units' budgets of the day."""

    def __init__(
        self,
        accounts: Accounts,
        administrators: Administrators,
        budgets: ReminderBudgets,
        messages: TextMessages,
    ) -> None:
        self._accounts = accounts
        self._administrators = administrators
        self._budgets = budgets
        self._messages = messages

    async def send(self, paths: Sequence[str], roles: Collection[str], *, besides: UUID, text: str) -> None:
        """Tell a few people with one of `roles` in the lowest of the units at `paths` that has such, besides
        one person. Over the budget, nobody is told: they see what it is about on their pages.
        """
        found = await self._administrators.nearest_holders(
            paths, roles, besides=besides, limit=rules.PER_UNIT_AT_ONCE
        )
        if found is None:
            return
        unit, holders = found
        for holder in holders:
            phone = self._accounts.phone(holder)
            if phone is not None and await self._budgets.spend(unit.id):
                await self._messages.queue(phone, text)
