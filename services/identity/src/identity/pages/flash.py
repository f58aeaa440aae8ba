"""What the next page shows once, after a form has been redirected: a notice, or a secret.

A form answers with a redirect, so that F5 does not send it twice. What the page after it has to show travels
in an encrypted cookie of two minutes, bound to the session and to that page's address; showing it deletes it.
"""

import base64
import binascii
import json
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from uuid import UUID

from cryptography.exceptions import InvalidTag
from fastapi import Request, Response

from identity.vault import Vault

COOKIE = "zhuxue_flash"
LIFETIME = timedelta(minutes=2)
_PURPOSE = "flash"


@dataclass(frozen=True)
class Flash:
    """The content: a Chinese notice, and values for the page, such as a secret."""

    notice: str = ""
    refused: bool = False
    """Whether the notice says why something was not done."""
    values: dict[str, str] = field(default_factory=dict)


def put(
    response: Response, vault: Vault, sid: UUID, path: str, flash: Flash, now: datetime, *, secure: bool
) -> None:
    """Have the page at `path` show `flash` once, in the session `sid`."""
    plain = json.dumps(
        {
            "sid": str(sid),
            "path": path,
            "until": (now + LIFETIME).timestamp(),
            "notice": flash.notice,
            "refused": flash.refused,
            "values": flash.values,
        },
        ensure_ascii=False,
    )
    sealed = base64.urlsafe_b64encode(vault.seal(_PURPOSE, plain)).decode()
    response.set_cookie(
        COOKIE,
        sealed,
        max_age=int(LIFETIME.total_seconds()),
        httponly=True,
        samesite="lax",
        secure=secure,
        path="/",
    )


def take(request: Request, vault: Vault, sid: UUID, now: datetime) -> Flash | None:
    """Return what the page of `request` has to show, or None."""
    try:
        sealed = base64.urlsafe_b64decode(request.cookies.get(COOKIE, ""))
        found = json.loads(vault.open(_PURPOSE, sealed))
    except (binascii.Error, ValueError, InvalidTag):
        return None
    if found["sid"] != str(sid) or found["path"] != request.url.path or now.timestamp() > found["until"]:
        return None
    return Flash(found["notice"], found["refused"], found["values"])


def drop(response: Response, *, secure: bool) -> None:
    """Delete the cookie once the page has shown it."""
    response.delete_cookie(COOKIE, path="/", secure=secure, httponly=True, samesite="lax")
