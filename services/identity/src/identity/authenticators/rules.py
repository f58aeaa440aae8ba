"""Rules for authenticators: password strength, attempt limits, and the level of each method. Pure.

Numbers without another source are those that assessors of GB/T 22239-2019 §8.1.4.1 (identity checks of level
3) expect.
"""

import unicodedata
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from authkit import acr

MIN_LENGTH = 8
MAX_LENGTH = 128
MIN_CLASSES = 3
HISTORY = 5
"""Number of passwords, including the current one, that must not be reused."""

MAX_FAILURES = 5
LOCK = timedelta(minutes=15)

TOTP_WINDOW = 1
"""Accepted time steps of 30 seconds before and after the current one (RFC 6238 §5.2)."""
RECOVERY_CODES = 10
MAX_PASSKEYS = 10
MAX_NAME = 40

FRESH = timedelta(seconds=acr.RECENT)
"""How long a sign-in counts as recent: a second factor can be added and authenticators can be changed."""
ENROLMENT = timedelta(minutes=15)
"""Lifetime of a page with a new TOTP secret."""
CEREMONY = timedelta(minutes=5)
"""Lifetime of a WebAuthn challenge (Web Authentication Level 3 §13.4.3 sets no value)."""

LEVELS = {"password": acr.PASSWORD_SMS, "totp": acr.MFA, "passkey": acr.MFA}
"""Level of each method: password and TOTP together with an SMS code, a passkey alone."""
WORDS = {"password": "密码", "totp": "动态口令", "passkey": "通行密钥"}


def normalised(password: str) -> str:
    """Normalize a password (NIST SP 800-63B-4 §3.1.1.2): full-width letters become plain letters."""
    return unicodedata.normalize("NFKC", password)


def classes(password: str) -> int:
    """Count the character classes in use: lower case, upper case, digits, other."""
    kinds = {
        "lower" if c.islower() else "upper" if c.isupper() else "digit" if c.isdigit() else "other"
        for c in password
    }
    return len(kinds)


def objection(password: str, *, phone: str, name: str) -> str | None:
    """Return why a normalized password is not acceptable, as text for its owner, or None."""
    if len(password) < MIN_LENGTH:
        return f"密码至少 {MIN_LENGTH} 位。"
    if len(password) > MAX_LENGTH:
        return f"密码最多 {MAX_LENGTH} 位。"
    if classes(password) < MIN_CLASSES:
        return "密码须包含大写字母、小写字母、数字、符号中的至少三类。"
    folded = password.casefold()
    if phone in folded or normalised(name).casefold() in folded:
        return "密码不能包含本人的手机号或姓名。"
    return None


def lifetime_of(days: int) -> timedelta | None:
    """Return how long a password is valid; None, for 0 days, means for ever."""
    return timedelta(days=days) if days else None


def password_expired(changed_at: datetime, now: datetime, lifetime: timedelta | None) -> bool:
    """Return whether a password has expired and must be changed."""
    return lifetime is not None and now >= changed_at + lifetime


def highest(means: Collection[str]) -> str:
    """Return the highest level that a person can reach with these methods. SMS codes are always available."""
    return max((acr.SMS, *(LEVELS[one] for one in means)), key=acr.rank)


def is_last_strong(means: Collection[str], passkeys: int, removed: str) -> bool:
    """Return whether removing `removed` makes the highest level unreachable."""
    strong = passkeys + ("totp" in means)
    return LEVELS[removed] == acr.MFA and strong == 1


def sms_fresh(amr: Collection[str], begun_at: datetime, now: datetime) -> bool:
    """Return whether the sign-in started with an SMS code recently enough to add a second factor."""
    return "sms" in amr and now <= begun_at + FRESH


def may_change(means: Collection[str], have: str, authenticated_at: datetime, now: datetime) -> bool:
    """Return whether a sign-in allows changing authenticators: recent, and at the person's highest level."""
    return acr.satisfies(have, highest(means)) and now <= authenticated_at + FRESH


def joined(amr: Sequence[str], *more: str) -> list[str]:
    """Merge methods into `amr` (RFC 8176 §2) without duplicates."""
    return list(dict.fromkeys([*amr, *more]))


@dataclass(frozen=True)
class Offers:
    """Options of a page that requests a higher level."""

    password: bool = False
    totp: bool = False
    passkey: bool = False
    sms: bool = False
    """Sign in with an SMS code first."""
    enrol: bool = False
    """Set up missing authenticators."""


def offers(need: str, means: Collection[str], *, fresh_sms: bool, changes: bool) -> Offers:
    """Return the ways to reach the level `need`.

    A person whose authenticators do not reach `need` must first use the existing ones before adding another
    (`changes`), so that access to the person's text messages alone is not sufficient.
    """
    enough = {one for one in means if acr.satisfies(LEVELS[one], need)}
    usable = enough or (set() if changes else set(means))
    password, totp, passkey = (one in usable for one in ("password", "totp", "passkey"))
    enrol = not enough and changes
    return Offers(
        password=fresh_sms and password,
        totp=fresh_sms and totp,
        passkey=passkey,
        sms=(not fresh_sms and (password or totp)) or not (password or totp or passkey or enrol),
        enrol=enrol,
    )


def message(what: str, helper: str) -> str:
    """Return the text message that notifies a person of a change to their account; they ask `helper`."""
    return f"【学生资助】您的账号{what}。如非本人操作，请立即联系{helper}。"
