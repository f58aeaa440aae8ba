"""Authenticators: what a password must be, how often one may be wrong, what each means is worth. Pure.

Numbers without another source are those that assessors of GB/T 22239-2019 §8.1.4.1 (identity checks of
level 3) expect.
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
"""How many passwords, the present one included, must not come again."""
PASSWORD_LIFETIME = timedelta(days=90)

MAX_FAILURES = 5
LOCK = timedelta(minutes=15)

TOTP_WINDOW = 1
"""Time steps of 30 seconds before and after the present one whose code is taken (RFC 6238 §5.2)."""
RECOVERY_CODES = 10
MAX_PASSKEYS = 10
MAX_NAME = 40

FRESH = timedelta(minutes=5)
"""How long a sign-in is just now: a second factor can be added to it, and authenticators changed."""
ENROLMENT = timedelta(minutes=15)
"""How long a page with a new TOTP secret works."""
CEREMONY = timedelta(minutes=5)
"""How long a WebAuthn challenge works (Web Authentication Level 3 §13.4.3 leaves it to us)."""

LEVELS = {"password": acr.PASSWORD_SMS, "totp": acr.MFA, "passkey": acr.MFA}
"""What a sign-in with each means reaches: password and TOTP beside an SMS code, a passkey alone."""
WORDS = {"password": "密码", "totp": "动态口令", "passkey": "通行密钥"}


def normalised(password: str) -> str:
    """The one spelling of a password (NIST SP 800-63B-4 §3.1.1.2): full-width letters are plain ones."""
    return unicodedata.normalize("NFKC", password)


def classes(password: str) -> int:
    """How many of the four classes occur: lower case, upper case, digits, anything else."""
    kinds = {
        "lower" if c.islower() else "upper" if c.isupper() else "digit" if c.isdigit() else "other"
        for c in password
    }
    return len(kinds)


def objection(password: str, *, phone: str, name: str) -> str | None:
    """Why a normalised password will not do, in words for its owner; None if it will."""
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


def password_expired(changed_at: datetime, now: datetime) -> bool:
    """Whether a password must be changed before it counts again."""
    return now >= changed_at + PASSWORD_LIFETIME


def highest(means: Collection[str]) -> str:
    """The highest level a person with these means can reach; SMS codes everybody has."""
    return max((acr.SMS, *(LEVELS[one] for one in means)), key=acr.rank)


def is_last_strong(means: Collection[str], passkeys: int, removed: str) -> bool:
    """Whether without one of `removed` the person could not reach the highest level any more."""
    strong = passkeys + ("totp" in means)
    return LEVELS[removed] == acr.MFA and strong == 1


def sms_fresh(amr: Collection[str], begun_at: datetime, now: datetime) -> bool:
    """Whether the sign-in began with an SMS code, recent enough to add a second factor to."""
    return "sms" in amr and now <= begun_at + FRESH


def may_change(means: Collection[str], have: str, authenticated_at: datetime, now: datetime) -> bool:
    """Whether a sign-in allows to change authenticators: just now, and as strong as the person can."""
    return acr.satisfies(have, highest(means)) and now <= authenticated_at + FRESH


def joined(amr: Sequence[str], *more: str) -> list[str]:
    """`amr` (RFC 8176 §2) with further methods, each once."""
    return list(dict.fromkeys([*amr, *more]))


@dataclass(frozen=True)
class Offers:
    """What a page that asks for a higher level has on it."""

    password: bool = False
    totp: bool = False
    passkey: bool = False
    sms: bool = False
    """Signing in with an SMS code first."""
    enrol: bool = False
    """Setting up what is missing."""


def offers(need: str, means: Collection[str], *, fresh_sms: bool, changes: bool) -> Offers:
    """What leads to the level `need`.

    A person whose means do not reach so far is first asked for those they have, so that they may add another
    (`changes`): access to a person's text messages alone must not be enough.
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


def message(what: str) -> str:
    """The text message that tells a person of a change to their account."""
    return f"【学生资助】您的账号{what}。如非本人操作，请立即联系本单位管理员。"
