"""Authentication levels (`acr`) and their order, shared by the issuer and the resource servers."""

SMS = "urn:zhuxue:acr:sms"
"""A one-time code sent by SMS."""
PASSWORD_SMS = "urn:zhuxue:acr:password_sms"
"""An SMS code and a password."""
MFA = "urn:zhuxue:acr:mfa"
"""An SMS code and a one-time password (TOTP), or a passkey with user verification."""

ORDER = (SMS, PASSWORD_SMS, MFA)
"""Lowest first."""

RECENT = 300
"""How long a sign-in counts as recent, in seconds: for changing authenticators and for important operations
of administrators.
"""

SITTING = 3600
"""How long a sign-in counts for a long list of decisions of one kind, in seconds: for the yearly review of
entitlements. Nobody works through hundreds of rows in `RECENT`, and a second factor that is asked for every
five minutes is confirmed without a look at what it is for.
"""


def known(acr: str) -> bool:
    """Return whether `acr` is one of `ORDER`."""
    return acr in ORDER


def rank(acr: str | None) -> int:
    """Return the position of the level in the order, starting at 1; 0 for None and for an unknown level."""
    return ORDER.index(acr) + 1 if acr in ORDER else 0


def satisfies(have: str | None, wanted: str) -> bool:
    """Return whether `have` is at least the level `wanted`."""
    return known(wanted) and rank(have) >= rank(wanted)
