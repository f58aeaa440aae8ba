"""Levels of authentication (`acr`), and their order: the one place that issuer and resource servers share."""

SMS = "urn:zhuxue:acr:sms"
"""A code sent to the person's telephone."""
PASSWORD_SMS = "urn:zhuxue:acr:password_sms"
"""That, and a password."""
MFA = "urn:zhuxue:acr:mfa"
"""That, and a one-time password (TOTP); or a passkey that has verified its user."""

ORDER = (SMS, PASSWORD_SMS, MFA)
"""Lowest first."""


def known(acr: str) -> bool:
    """Whether `acr` is a level of ours."""
    return acr in ORDER


def rank(acr: str | None) -> int:
    """Place in the order, from 1; 0 for no level, and for one that is not ours."""
    return ORDER.index(acr) + 1 if acr in ORDER else 0


def satisfies(have: str | None, wanted: str) -> bool:
    """Whether `have` is the level `wanted` or a higher one."""
    return known(wanted) and rank(have) >= rank(wanted)
