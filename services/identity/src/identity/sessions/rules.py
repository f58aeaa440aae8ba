"""Limits of the session lifetime, and how a person signed in."""

from collections.abc import Collection
from datetime import timedelta
from hashlib import sha256
from uuid import UUID

from contracts.vocabulary import Vocabulary

RECENT = timedelta(days=90)
"""Carriers give a number to somebody else after 90 days at the earliest."""
LONGEST_RENEWED = timedelta(days=7)
"""Signing in again keeps a browser's session; a session older than this is replaced."""
SMS_CODE = ("sms", "otp")
"""`amr` (RFC 8176 §2) of a sign-in with a code that was sent to the phone."""
TEXTED = ("sms", "mca")
"""`amr` of a sign-in by a text from the phone (短信上行). No one-time password was sent or typed, so no
`otp`; `mca`, because digits of the one channel come back through another. A later TOTP adds `otp`: only `mca`
keeps telling the two apart.
"""


class SignInMeans(Vocabulary):
    """How a person signed in."""

    SMS = "sms", "短信验证码"
    TEXT = "text", "本机短信验证"
    PASSKEY = "passkey", "通行密钥"


def means_of(amr: Collection[str]) -> SignInMeans:
    """Return how a person has signed in, for the history and the audit log."""
    if "sms" not in amr:
        return SignInMeans.PASSKEY
    return SignInMeans.TEXT if "mca" in amr else SignInMeans.SMS


def parts_of(cookie: str | None) -> tuple[UUID | None, str]:
    """Return the id and the secret in a session's cookie; no id if it is none of ours."""
    sid, _, secret = (cookie or "").partition(".")
    try:
        return UUID(sid), secret
    except ValueError:
        return None, secret


def hash_of(secret: str) -> bytes:
    """Return the hash by which the secret of a session's cookie is stored."""
    return sha256(secret.encode()).digest()
