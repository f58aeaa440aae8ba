"""The pages between a request and its answer: consent, and the choice of an account."""

from urllib.parse import urlsplit

from fastapi.responses import Response

from identity.consents.service import words
from identity.oauth.authorization.authorize import Ask, Choose
from identity.pages.rendering import origin_of, page


def consent_page(ask: Ask, return_to: str, csrf: str) -> Response:
    """Who asks, for what, and allow or deny."""
    return page(
        "consent.html",
        form_action=origin_of(ask.redirect_uri),
        ask=ask,
        host=urlsplit(ask.client_uri or "").hostname,
        words=words(ask.scopes),
        return_to=return_to,
        csrf=csrf,
    )


def choice_page(choose: Choose, return_to: str, csrf: str) -> Response:
    """`prompt=select_account`: the one account that is signed in, or another."""
    return page(
        "choose.html",
        form_action=origin_of(choose.redirect_uri),
        name=choose.name,
        phone_masked=choose.phone_masked,
        return_to=return_to,
        csrf=csrf,
    )
