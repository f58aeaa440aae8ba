"""Imports all models, so that the metadata is complete."""

from identity.accounts.models import Account
from identity.appointments.models import PlatformProposal
from identity.audit.models import AuditRecord, AuditSeal
from identity.audit_review.models import AuditExport, AuditExportPart
from identity.authenticators.models import Passkey, Password, RecoveryCode, SpentChallenge, Totp
from identity.clients.models import Client, ClientSecret, InitialAccessToken
from identity.codes.models import CodeBudget, SmsCode, TextChallenge
from identity.consents.models import Consent
from identity.delegations.models import Delegation
from identity.entitlements.models import Entitlement, EntitlementRequest
from identity.grants.models import Grant
from identity.invite_batches.models import InviteBatch, InviteBatchRow, InviteBudget
from identity.invites.models import Invite
from identity.joining.models import JoinRequest
from identity.keys.models import SigningKey
from identity.member_changes.models import HandOver
from identity.memberships.models import Membership
from identity.oauth.device.models import DeviceCode, DeviceTries
from identity.oauth.state.models import AuthorizationCode, OnceOnly, PushedRequest, RefreshToken
from identity.phones.models import PhoneChange
from identity.platform.models import PlatformAdministrator
from identity.policies.models import Agreement, PolicyVersion
from identity.privacy.models import AccountClosing, DataExport
from identity.reminders.models import ReminderBudget
from identity.reorganisation.models import UnitEnding
from identity.role_changes.models import RoleChange
from identity.roles.models import RoleDefinition
from identity.search.models import PersonSearch, SearchQueue, UnitSearch
from identity.sessions.models import BrowserSession, SignInRecord
from identity.sms.models import SmsMessage
from identity.unit_imports.models import UnitExport, UnitFile, UnitImport, UnitImportRow
from identity.units.models import Unit, UnitChange
from identity.verification.models import RealNameCheck

__all__ = [
    "Account",
    "AccountClosing",
    "Agreement",
    "AuditExport",
    "AuditExportPart",
    "AuditRecord",
    "AuditSeal",
    "AuthorizationCode",
    "BrowserSession",
    "Client",
    "ClientSecret",
    "CodeBudget",
    "Consent",
    "DataExport",
    "Delegation",
    "DeviceCode",
    "DeviceTries",
    "Entitlement",
    "EntitlementRequest",
    "Grant",
    "HandOver",
    "InitialAccessToken",
    "Invite",
    "InviteBatch",
    "InviteBatchRow",
    "InviteBudget",
    "JoinRequest",
    "Membership",
    "OnceOnly",
    "Passkey",
    "Password",
    "PersonSearch",
    "PhoneChange",
    "PlatformAdministrator",
    "PlatformProposal",
    "PolicyVersion",
    "PushedRequest",
    "RealNameCheck",
    "RecoveryCode",
    "RefreshToken",
    "ReminderBudget",
    "RoleChange",
    "RoleDefinition",
    "SearchQueue",
    "SignInRecord",
    "SigningKey",
    "SmsCode",
    "SmsMessage",
    "SpentChallenge",
    "TextChallenge",
    "Totp",
    "Unit",
    "UnitChange",
    "UnitEnding",
    "UnitExport",
    "UnitFile",
    "UnitImport",
    "UnitImportRow",
    "UnitSearch",
]
