"""The pages between a request and its answer: consent, and the choice of an account."""

from urllib.parse import urlsplit

from fastapi.responses import Response

from identity.consents.service import words
from identity.oauth.authorize import Ask
from identity.signin.pages import client_origin, page


def consent_page(ask: Ask, return_to: str, csrf: str) -> Response:
    """Who asks, for what, and allow or deny."""
    return page(
        "consent.html",
        form_action=client_origin(return_to),
        ask=ask,
        host=urlsplit(ask.client_uri or "").hostname,
        words=words(ask.scopes),
        return_to=return_to,
        csrf=csrf,
    )


def choice_page(name: str, phone_masked: str, return_to: str, csrf: str) -> Response:
    """`prompt=select_account`: the one account that is signed in, or another."""
    return page(
        "choose.html",
        form_action=client_origin(return_to),
        name=name,
        phone_masked=phone_masked,
        return_to=return_to,
        csrf=csrf,
    )
