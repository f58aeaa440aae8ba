"""Who the caller is and what they may do: everything a front end needs at its start."""

from dataclasses import dataclass
from uuid import UUID

from contracts.vocabulary import Permission, PlatformRole
from identity.accounts.errors import NameVerified
from identity.accounts.models import Account
from identity.accounts.service import Accounts, name_of
from identity.delegations.service import Delegations
from identity.entitlements.service import Entitlements
from identity.me import rules
from identity.memberships.models import Profile
from identity.memberships.service import Memberships
from identity.platform import rules as platform_rules
from identity.platform.service import Platform
from identity.reminders.administrators import AdministratorTexts
from identity.roles.service import Roles
from servicekit.ltree import lineage


@dataclass(frozen=True)
class Me:
    """A person as they act now: current state, not that of their token."""

    profile: Profile
    roles: list[str]
    permissions: list[str]
    entitlements: list[str]
    """Those for the acting unit."""
    entitlements_by_unit: dict[UUID, list[str]]
    platform_role: PlatformRole | None


class Myself:
    """The caller within one request."""

    def __init__(
        self,
        accounts: Accounts,
        memberships: Memberships,
        roles: Roles,
        delegations: Delegations,
        entitlements: Entitlements,
        platform: Platform,
        texts: AdministratorTexts,
    ) -> None:
        self._texts = texts
        self._accounts = accounts
        self._memberships = memberships
        self._roles = roles
        self._delegations = delegations
        self._entitlements = entitlements
        self._platform = platform

    async def of(self, sub: UUID, sid: UUID | None) -> Me:
        """Return a person as they act in the browser session `sid`. Raises `AccountNotFound`."""
        return await self._of(await self._memberships.own(sub, sid))

    async def correct_name(self, sub: UUID, text: str) -> None:
        """Correct the person's own name, which is not verified yet (PIPL article 46); the other services and
        the administrators of the person's units are told. Without effect if it is the name already.

        Raises `AccountNotFound`, `BadName`, `NameVerified`, `TooManyCorrections`.
        """
        name = name_of(text)
        account = await self._accounts.get(sub, lock=True)
        if account.verified_at is not None:
            raise NameVerified
        if name != account.name:
            former = account.name
            await self._accounts.correct_name(account, name)
            await self._memberships.changed(account)
            await self._tell_units(account, rules.corrected_text(former, name))

    async def _tell_units(self, account: Account, text: str) -> None:
        managing = await self._roles.with_permission(Permission.MEMBERS_MANAGE)
        profile = await self._memberships.profile(account.id)
        for _, unit in profile.memberships:
            await self._texts.send(lineage(unit.path), managing, besides=account.id, text=text)

    async def act_for(self, sub: UUID, sid: UUID, unit_id: UUID) -> Me:
        """Choose the acting unit of a browser session. Raises the errors of `Memberships.act_for`."""
        return await self._of(await self._memberships.act_for(sub, sid, unit_id))

    async def _of(self, profile: Profile) -> Me:
        sub, membership = profile.account.id, profile.membership
        roles: list[str] = []
        if membership is not None:
            roles = sorted({*membership.roles, *await self._delegations.received(membership.id)})
        platform_role = await self._platform.role_of(sub)
        permissions = {
            *await self._roles.permissions_of(roles),
            *(() if platform_role is None else platform_rules.PERMISSIONS[platform_role]),
        }
        by_unit = await self._entitlements.by_unit(sub, [unit.id for _, unit in profile.memberships])
        now = [] if profile.unit is None else by_unit[profile.unit.id]
        return Me(profile, roles, sorted(permissions), now, by_unit, platform_role)
