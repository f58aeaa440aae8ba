"""The `resource` parameter (RFC 8707 §2): the audience of a token."""

from authlib.oauth2.base import OAuth2Error

from identity.clients.models import Client


class InvalidTargetError(OAuth2Error):  # type: ignore[misc]
    """RFC 8707 §2: the requested resource is unknown or not allowed for this client."""

    error = "invalid_target"


def requested(client: Client, values: list[str]) -> list[str]:
    """Return the requested audiences without duplicates. Raises `InvalidTargetError` for one that is not
    allowed.
    """
    wanted = list(dict.fromkeys(values))
    for value in wanted:
        if value not in client.audiences:
            raise InvalidTargetError("The requested resource is not available to this client.")
    return wanted
