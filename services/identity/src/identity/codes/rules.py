"""Rules for SMS codes: lifetime, rate limits, attempts, and reading a typed code. Pure."""

import math
import re
import unicodedata
from dataclasses import dataclass
from datetime import datetime, timedelta
from ipaddress import IPv6Address, ip_address, ip_network
from typing import Literal

from contracts.vocabulary import Vocabulary

LIFETIME = timedelta(minutes=5)
RESEND_AFTER = timedelta(seconds=60)
MAX_ATTEMPTS = 5
DAY, HOUR = timedelta(days=1), timedelta(hours=1)
BROWSER_BUDGET = 20
"""Codes an hour for one asking browser, whatever the numbers."""


class CaptchaKind(Vocabulary):
    """How a captcha is asked."""

    PICTURE = "picture", "图片"
    WORDS = "words", "文字题"


CAPTCHA_TRIES, CAPTCHA_WORD_TRIES = 120, 10
"""Answers an hour from one address, to pictures and to questions in words."""
CAPTCHA_PICTURES = 120
"""Pictures an hour that are drawn for one address."""
CAPTCHA_LIFETIME = timedelta(minutes=10)
DEVICE_LIFETIME = timedelta(days=180)
"""How long a browser is remembered after its last sign-in."""
DEVICE_SETTLED = timedelta(days=1)
"""From this age on, a remembered browser has its own count of wrong passwords: somebody who has just got hold
of a person's text messages has no such browser.
"""
MAX_FAILURES, FAILURE_WINDOW = 5, timedelta(minutes=15)
DEVICE_ACCOUNTS = 8
"""Accounts that one browser remembers: in an office, several people share a computer."""


class CodePurpose(Vocabulary):
    """What strangers ask a code for."""

    REGISTER = "register", "注册"
    SIGN_IN = "sign_in", "登录"
    RECOVER = "recover", "找回账号"
    CANCEL_CHANGE = "cancel_change", "取消更换手机号"


WORDS = {
    **{purpose.value: purpose.label for purpose in CodePurpose},
    "change_phone": "更换手机号",
}
"""Purposes of codes, and how a text message names them."""
TICKET = r"^[A-Za-z0-9_-]{43}$"
"""Form of a ticket: 256 random bits in base64url."""


class ChallengeState(Vocabulary):
    """Whether a text message that proves a number has arrived."""

    WAITING = "waiting", "尚未收到"
    RECEIVED = "received", "已收到，可以继续"
    EXPIRED = "expired", "已过期"
    USED = "used", "已使用过"


CHALLENGE_LIFETIME = timedelta(minutes=10)
"""Within which the text has to arrive, and then the browser has to go on."""
BROWSER_CHALLENGES, ADDRESS_CHALLENGES = 10, 60
"""Challenges an hour for one browser and for one address, whatever the numbers."""
POLL_AFTER = timedelta(seconds=5)

_CHALLENGE = re.compile(r"([0-9]{4})[ \-]?([0-9]{4})")
_CHALLENGES = re.compile(rf"(?<![0-9]){_CHALLENGE.pattern}(?![0-9])")
_SEPARATED = re.compile(r"(?<![0-9])([0-9]{3})[ \-]?([0-9]{3})(?![0-9])")
_ALONE = re.compile(r"[ \-]*(?:[0-9][ \-]*){6}")


@dataclass(frozen=True)
class Budget:
    """At most `limit` codes within `window`, which starts with the first of them."""

    kind: Literal[
        "number",
        "share",
        "browser",
        "address",
        "total",
        "device",
        "reserve",
        "captcha",
        "tries",
        "word_tries",
        "pictures",
        "failures",
        "challenges",
        "inbound",
    ]
    key: bytes
    limit: int
    window: timedelta

    @property
    def free(self) -> int:
        """How many are sent before a captcha is asked: half, rounded up."""
        return (self.limit + 1) // 2


_MOST_PARTS = 16
_LEAST_OF_PART = 2000


def shared_part(total: int) -> int:
    """Return how many codes of the deployment's total browsers without a remembered device may spend.

    The rest is kept for remembered devices, so that a stranger who spends all of it locks out none of them.
    """
    return (total + 1) // 2


def part_of(kind: Literal["total", "reserve"], limit: int, phone_index: bytes) -> Budget:
    """Return the part of a budget of the deployment, `limit` codes an hour, that a number draws on.

    All requests would wait for one row, each until the one before is on disk. A large budget is divided
    among rows by number, so a part may be used up a little before all are.
    """
    parts = max(1, min(_MOST_PARTS, limit // _LEAST_OF_PART))
    key = bytes([phone_index[0] % parts]) if parts > 1 else b""
    return Budget(kind, key, -(-limit // parts), HOUR)


def network_of(address: str) -> str:
    """Return what counts as one address: an IPv4 address, or the /64 that a provider assigns to one customer
    of IPv6 (RFC 6177); anything else as it is.
    """
    try:
        parsed = ip_address(address)
    except ValueError:
        return address
    if isinstance(parsed, IPv6Address):
        mapped = parsed.ipv4_mapped
        if mapped is not None:
            return str(mapped)
        return str(ip_network((int(parsed) >> 64 << 64, 64)))
    return str(parsed)


def code_of(text: str) -> str | None:
    """Return the six digits that a person typed or pasted, or None.

    `683 344`, full-width digits and a whole text message are accepted, as long as only one number of six
    digits is in it.
    """
    plain = unicodedata.normalize("NFKC", text).strip()
    if _ALONE.fullmatch(plain):
        return re.sub(r"[ \-]", "", plain)
    found = {"".join(pair) for pair in _SEPARATED.findall(plain)}
    return found.pop() if len(found) == 1 else None


def texted(typed: str) -> bool:
    """Return whether what a person typed, and `Codes.redeem` took, was texted from the phone (短信上行) and
    not a code sent to it.
    """
    return challenge_of(typed) is not None


def challenge_of(text: str) -> str | None:
    """Return the eight digits of a challenge that somebody typed in place of a code, or None."""
    found = _CHALLENGE.fullmatch(unicodedata.normalize("NFKC", text).strip())
    return None if found is None else "".join(found.groups())


def challenge_in(text: str) -> str | None:
    """Return the eight digits in a text message from a phone, or None.

    Words around them are accepted, as long as only one number of eight digits is in the text.
    """
    found = {"".join(pair) for pair in _CHALLENGES.findall(unicodedata.normalize("NFKC", text))}
    return found.pop() if len(found) == 1 else None


def seconds_until(instant: datetime, now: datetime) -> int:
    """Return whole seconds, rounded up, at least one."""
    return max(1, math.ceil((instant - now).total_seconds()))


def seconds_until_resend(last_sent: datetime | None, now: datetime) -> int:
    """Return whole seconds until a browser can have another code of the same purpose sent to the same number;
    0 for now.
    """
    if last_sent is None:
        return 0
    left = (last_sent + RESEND_AFTER - now).total_seconds()
    return max(0, int(left) + (left > int(left)))


def text_of(code: str, purpose: str) -> str:
    """Return the text message with a code."""
    return f"【学生资助】您的{WORDS[purpose]}验证码为 {code}，5 分钟内有效，请勿告知他人。"


UNKNOWN_NUMBER = "【学生资助】有人试图用本号码登录，但本号码尚未注册。如非本人操作，请忽略。"


def text_for_known(code: str) -> str:
    """Return the text message for a registration with a number that has an account: the owner signs in, a new
    holder of a recycled number registers with the code and an identity number.
    """
    return (
        "【学生资助】本号码已有账号，请直接登录。如您是本号码的新机主，可凭验证码 "
        f"{code} 实名登记，5 分钟内有效，请勿告知他人。如非本人操作，请忽略。"
    )
