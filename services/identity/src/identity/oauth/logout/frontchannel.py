"""OpenID Connect Front-Channel Logout 1.0: the logged-out page loads each client's logout URI in a frame."""

from collections.abc import Sequence
from uuid import UUID

from fastapi.responses import Response

from identity.clients.models import Client
from identity.oauth.authorization.locations import with_parameters
from identity.pages.rendering import origin_of, page, see_other


def logged_out(issuer: str, sid: UUID | None, clients: Sequence[Client], onward: str | None) -> Response:
    """Return the page after signing out; `onward` is the client's registered URI, if requested.

    With frames to load, the page waits before it redirects, without JavaScript.
    """
    uris = [c.frontchannel_logout_uri for c in clients if c.frontchannel_logout_uri is not None]
    origins = [origin_of(uri) for uri in uris]
    if sid is None or not any(origins):
        uris, origins = [], []
        if onward is not None:
            return see_other(onward)
    frames = [
        with_parameters(uri, [("iss", issuer), ("sid", str(sid))])
        for uri, origin in zip(uris, origins, strict=True)
        if origin
    ]
    told = [c for c in clients if c.backchannel_logout_uri or origin_of(c.frontchannel_logout_uri or "")]
    return page(
        "oauth/logged_out.html",
        told=[c.client_name for c in told],
        untold=[c.client_name for c in clients if c not in told],
        frames=" ".join(sorted({origin for origin in origins if origin})),
        uris=frames,
        onward=onward,
    )
