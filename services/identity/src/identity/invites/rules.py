"""Rules for invite codes."""

import re
import secrets

# Crockford's base 32: without I, L, O, U, so that a code can be read aloud.
_ALPHABET = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
_CODE = re.compile(rf"^[{_ALPHABET}]{{16}}$")
_CONFUSED = str.maketrans("ILO", "110")


def new_invite_code() -> str:
    """Return 80 random bits as `XXXX-XXXX-XXXX-XXXX`."""
    raw = "".join(secrets.choice(_ALPHABET) for _ in range(16))
    return "-".join(raw[i : i + 4] for i in range(0, 16, 4))


def normalise_invite_code(text: str) -> str | None:
    """Return the 16 characters of a typed code, or None if the input is not a code."""
    raw = re.sub(r"[\s-]", "", text.upper()).translate(_CONFUSED)
    return raw if _CODE.match(raw) else None
