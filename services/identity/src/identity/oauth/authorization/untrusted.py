"""What can be said of a request before anything in it is trusted."""

from collections.abc import Mapping

from identity.oauth.state.context import current


def trusted_redirect(lists: Mapping[str, list[str]]) -> str | None:
    """The redirect URI among parameters, if it and the client are named once and it is registered for it.

    None otherwise: then the error is shown to the person (RFC 6749 §4.1.2.1).
    """
    if any(len(lists.get(name, [])) != 1 for name in ("client_id", "redirect_uri")):
        return None
    client = current().client(lists["client_id"][0])
    uri: str = lists["redirect_uri"][0]
    return uri if client is not None and client.check_redirect_uri(uri) else None


def has_nul(lists: Mapping[str, list[str]]) -> bool:
    """Whether a parameter has a character that no database row can hold, nor RFC 6749 appendix A allows."""
    return any("\0" in value for values in lists.values() for value in values)
