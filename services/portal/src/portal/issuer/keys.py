"""The keys of sessions, to which their tokens are bound."""

from joserfc.jwk import ECKey


def new_session_key() -> ECKey:
    """Make the key of one session (RFC 9449 §4)."""
    return ECKey.generate_key("P-256")
