"""OAuth 2.0 Form Post Response Mode 1.0: the response as a self-submitting form to the client."""

import base64
from dataclasses import dataclass
from hashlib import sha256

from starlette.responses import Response

from identity.oauth.authorization.locations import added
from identity.pages.rendering import origin_of, page

_SCRIPT = "document.forms[0].submit()"
_HASH = base64.b64encode(sha256(_SCRIPT.encode()).digest()).decode()


@dataclass
class FormPost:
    """An authorization response to `uri`."""

    uri: str
    parameters: list[tuple[str, str]]

    def response(self) -> Response:
        """Return the page. The CSP allows its script by hash; without JavaScript the person uses a button."""
        answer = page(
            "oauth/form_post.html",
            form_action=origin_of(self.uri),
            uri=self.uri,
            parameters=self.parameters,
            script=_SCRIPT,
        )
        policy = answer.headers["Content-Security-Policy"]
        answer.headers["Content-Security-Policy"] = f"{policy}; script-src 'sha256-{_HASH}'"
        return answer


def from_location(redirect_uri: str, location: str) -> FormPost:
    """Return the response with the parameters from the query of `location`."""
    return FormPost(redirect_uri, added(redirect_uri, location))
