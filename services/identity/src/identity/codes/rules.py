"""Rules for SMS codes: lifetime, rate limits, attempts."""

import math
import re
import unicodedata
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal

LIFETIME = timedelta(minutes=5)
RESEND_AFTER = timedelta(seconds=60)
NUMBER_BUDGET = 10
MAX_ATTEMPTS = 5
DAY, HOUR = timedelta(days=1), timedelta(hours=1)
_SIX = re.compile(r"(?<!\d)\d{6}(?!\d)")
# As some telephones copy it: "683 344".
_SPACED = re.compile(r"(?<!\d)\d(?:[\s\-‐-―]?\d){5}(?!\d)")
PURPOSES = ("register", "sign_in")


@dataclass(frozen=True)
class Budget:
    """At most `limit` codes within `window`, which starts with the first of them."""

    kind: Literal["number", "address", "total"]
    key: bytes
    limit: int
    window: timedelta


def seconds_until(instant: datetime, now: datetime) -> int:
    """Return whole seconds, rounded up, at least one."""
    return max(1, math.ceil((instant - now).total_seconds()))


def seconds_until_resend(last_sent: datetime | None, now: datetime) -> int:
    """Return whole seconds until another code can be sent to the same number; 0 for now."""
    if last_sent is None:
        return 0
    left = (last_sent + RESEND_AFTER - now).total_seconds()
    return max(0, int(left) + (left > int(left)))


def text_of(code: str, purpose: str) -> str:
    """Return the text message with a code."""
    what = {"register": "注册", "sign_in": "登录"}[purpose]
    return f"【学生资助】您的{what}验证码为 {code}，5 分钟内有效，请勿告知他人。"


def code_of(given: str) -> str:
    """Return the six digits of what a person typed or pasted: a code with blanks, or the whole text message.

    Without six digits, return `given` without surrounding blanks, which no code equals.
    """
    plain = unicodedata.normalize("NFKC", given).strip()
    found = _SIX.search(plain) or _SPACED.search(plain)
    return plain if found is None else re.sub(r"\D", "", found.group())


UNKNOWN_NUMBER = "【学生资助】有人试图用本号码登录，但本号码尚未注册。如非本人操作，请忽略。"
KNOWN_NUMBER = "【学生资助】有人试图用本号码注册，但本号码已有账号，请直接登录。如非本人操作，请忽略。"
