"""Passkeys: Web Authentication Level 3, §7.1 (registration) and §7.2 (assertion), with py_webauthn."""

import json
import secrets
from dataclasses import dataclass
from datetime import datetime
from hashlib import sha256
from typing import Any
from urllib.parse import urlsplit
from uuid import UUID

from webauthn import (
    generate_authentication_options,
    generate_registration_options,
    options_to_json,
    verify_authentication_response,
    verify_registration_response,
)
from webauthn.helpers import base64url_to_bytes, bytes_to_base64url
from webauthn.helpers.structs import (
    AuthenticatorSelectionCriteria,
    CredentialDeviceType,
    PublicKeyCredentialDescriptor,
    ResidentKeyRequirement,
    UserVerificationRequirement,
)

from identity.accounts.models import Account
from identity.authenticators import rules
from identity.authenticators.errors import PageStale, PasskeyRefused, TooManyPasskeys
from identity.authenticators.models import Passkey
from identity.authenticators.repository import AuthenticatorRepository
from identity.authenticators.tickets import Tickets
from servicekit.clock import Clock
from servicekit.ids import new_id

_REGISTER, _USE = "passkey-register", "passkey-use"
_RP_NAME = "学生资助统一用户认证"


@dataclass(frozen=True)
class Ceremony:
    """Data for a page: browser options as JSON, and the ticket to return with the response."""

    options: str
    ticket: str


class Passkeys:
    """Passkeys service for one request; `tickets` carries the challenges of the browser."""

    def __init__(
        self, rows: AuthenticatorRepository, clock: Clock, tickets: Tickets, issuer_url: str
    ) -> None:
        parts = urlsplit(issuer_url)
        self._rows = rows
        self._clock = clock
        self._tickets = tickets
        self._rp_id = parts.hostname or ""
        self._origin = f"{parts.scheme}://{parts.netloc}"

    async def registration(self, account: Account) -> Ceremony:
        """Start the registration of a passkey. Raises `TooManyPasskeys`."""
        present = await self._rows.passkeys(account.id)
        if len(present) >= rules.MAX_PASSKEYS:
            raise TooManyPasskeys
        challenge = secrets.token_bytes(32)
        options = generate_registration_options(
            rp_id=self._rp_id,
            rp_name=_RP_NAME,
            user_id=account.id.bytes,
            user_name=account.phone_masked,
            user_display_name=account.name,
            challenge=challenge,
            timeout=int(rules.CEREMONY.total_seconds() * 1000),
            authenticator_selection=AuthenticatorSelectionCriteria(
                resident_key=ResidentKeyRequirement.REQUIRED,
                user_verification=UserVerificationRequirement.REQUIRED,
            ),
            exclude_credentials=[PublicKeyCredentialDescriptor(id=one.credential_id) for one in present],
        )
        return Ceremony(options_to_json(options), self._ticket(_REGISTER, challenge))

    async def register(self, account: Account, name: str, ticket: str, credential: str) -> Passkey:
        """Register the passkey that the browser created.

        Raises `PageStale`, `PasskeyRefused`, `TooManyPasskeys`.
        """
        challenge = await self._spend(ticket, _REGISTER)
        present = await self._rows.passkeys(account.id)
        if len(present) >= rules.MAX_PASSKEYS:
            raise TooManyPasskeys
        try:
            made = verify_registration_response(
                credential=_parsed(credential),
                expected_challenge=challenge,
                expected_rp_id=self._rp_id,
                expected_origin=self._origin,
                require_user_verification=True,
            )
        except Exception as error:
            # The library does not catch its decoders' exceptions on bytes that are not a credential.
            raise PasskeyRefused from error
        label = "".join(c for c in name if c.isprintable()).strip()[: rules.MAX_NAME]
        row = Passkey(
            id=new_id(),
            account_id=account.id,
            credential_id=made.credential_id,
            public_key=made.credential_public_key,
            sign_count=made.sign_count,
            synced=made.credential_device_type == CredentialDeviceType.MULTI_DEVICE,
            name=label or f"通行密钥 {len(present) + 1}",
            added_at=self._clock.now(),
        )
        if not await self._rows.add_passkey(row):
            # Web Authentication Level 3 §7.1 step 26: an id is registered once, for one account.
            raise PasskeyRefused
        return row

    async def assertion(self, sub: UUID | None) -> Ceremony:
        """Start an assertion: with `sub`, for a passkey of that person; otherwise for any passkey on the
        device.
        """
        challenge = secrets.token_bytes(32)
        present = [] if sub is None else await self._rows.passkeys(sub)
        options = generate_authentication_options(
            rp_id=self._rp_id,
            challenge=challenge,
            timeout=int(rules.CEREMONY.total_seconds() * 1000),
            allow_credentials=[PublicKeyCredentialDescriptor(id=one.credential_id) for one in present],
            user_verification=UserVerificationRequirement.REQUIRED,
        )
        return Ceremony(options_to_json(options), self._ticket(_USE, challenge))

    async def owner(self, credential: str) -> UUID | None:
        """Return the owner of the passkey named in the response. The response is not verified yet."""
        try:
            row = await self._rows.passkey(_id(_parsed(credential)))
        except ValueError:
            return None
        return None if row is None else row.account_id

    async def check(
        self, ticket: str, credential: str, sub: UUID | None, *, identified: bool = True
    ) -> Passkey:
        """Verify an assertion and return the passkey of `sub`. Raises `PageStale`, `PasskeyRefused`.

        If not `identified`, the person is known only from the passkey, so the response must contain a user
        handle (§7.2).
        """
        challenge = await self._spend(ticket, _USE)
        try:
            answer = _parsed(credential)
            row = await self._rows.passkey(_id(answer), lock=True)
        except ValueError as error:
            raise PasskeyRefused from error
        if row is None or row.account_id != sub:
            raise PasskeyRefused
        try:
            used = verify_authentication_response(
                credential=answer,
                expected_challenge=challenge,
                expected_rp_id=self._rp_id,
                expected_origin=self._origin,
                credential_public_key=row.public_key,
                credential_current_sign_count=row.sign_count,
                require_user_verification=True,
            )
            handle = answer["response"].get("userHandle")
            owner = None if handle is None else base64url_to_bytes(handle)
        except Exception as error:
            # As above. Includes a sign count that did not increase, which indicates a cloned key.
            raise PasskeyRefused from error
        if owner != row.account_id.bytes and not (owner is None and identified):
            raise PasskeyRefused
        row.sign_count, row.last_used_at = used.new_sign_count, self._clock.now()
        return row

    def _ticket(self, purpose: str, challenge: bytes) -> str:
        return self._tickets.issue(purpose, challenge=bytes_to_base64url(challenge))

    async def _spend(self, ticket: str, purpose: str) -> bytes:
        """Return the challenge of a ticket and mark it as used, whether or not the response is valid."""
        values = self._tickets.open(ticket, purpose, rules.CEREMONY)
        challenge = base64url_to_bytes(values["challenge"])
        ends = datetime.fromisoformat(values["at"]) + rules.CEREMONY
        if not await self._rows.spend(sha256(challenge).digest(), ends, self._clock.now()):
            raise PageStale
        return challenge


def _id(answer: dict[str, Any]) -> bytes:
    """Return the credential id of a response. Raises `ValueError`."""
    return base64url_to_bytes(str(answer.get("rawId")))


def _parsed(credential: str) -> dict[str, Any]:
    """Parse a response. Raises `ValueError` unless it is a JSON object with a `response` member."""
    try:
        answer = json.loads(credential)
    except RecursionError as error:
        raise ValueError from error
    if not isinstance(answer, dict) or not isinstance(answer.get("response"), dict):
        raise ValueError
    return answer
