"""Builds the feature's services for one request, and outside of one."""

from typing import Annotated

from fastapi import Depends

from identity.accounts.dependencies import AccountService
from identity.dependencies import ServiceSettings
from identity.memberships.dependencies import AdministratorService
from identity.reminders.administrators import AdministratorTexts
from identity.reminders.budgets import ReminderBudgets
from identity.sms.dependencies import MessageService
from servicekit.db import Session
from servicekit.dependencies import ServiceClock


async def _texts(
    session: Session,
    clock: ServiceClock,
    settings: ServiceSettings,
    accounts: AccountService,
    administrators: AdministratorService,
    messages: MessageService,
) -> AdministratorTexts:
    return AdministratorTexts(accounts, administrators, ReminderBudgets(session, clock, settings), messages)


AdministratorTextService = Annotated[AdministratorTexts, Depends(_texts)]
