"""Functions on requests that are not validated yet."""

from collections.abc import Mapping

from identity.oauth.state.context import current


def trusted_redirect(lists: Mapping[str, list[str]]) -> str | None:
    """Return the redirect URI if it and the client occur once and it is registered for the client.

    Otherwise return None: the error is then shown to the person (RFC 6749 §4.1.2.1).
    """
    if any(len(lists.get(name, [])) != 1 for name in ("client_id", "redirect_uri")):
        return None
    client = current().client(lists["client_id"][0])
    uri: str = lists["redirect_uri"][0]
    return uri if client is not None and client.check_redirect_uri(uri) else None


def has_nul(lists: Mapping[str, list[str]]) -> bool:
    """Return whether a parameter contains a character that no database row can store and RFC 6749 appendix A
    forbids.
    """
    return any("\0" in value for values in lists.values() for value in values)
