"""The pages between a request and its answer: consent, and the choice of an account."""

from urllib.parse import urlsplit

from fastapi.responses import Response

from identity.consents.service import words
from identity.oauth.authorization.prompts import ConsentPage, SelectAccountPage
from identity.pages.rendering import origin_of, page


def consent_page(shown: ConsentPage, return_to: str, csrf: str) -> Response:
    """The client, what it requests, and two buttons: allow and deny."""
    return page(
        "consent.html",
        form_action=origin_of(shown.redirect_uri),
        ask=shown,
        host=urlsplit(shown.client_uri or "").hostname,
        words=words(shown.scopes),
        return_to=return_to,
        csrf=csrf,
    )


def select_account_page(shown: SelectAccountPage, return_to: str, csrf: str) -> Response:
    """`prompt=select_account`: the one account that is signed in, or another."""
    return page(
        "choose.html",
        form_action=origin_of(shown.redirect_uri),
        name=shown.name,
        phone_masked=shown.phone_masked,
        return_to=return_to,
        csrf=csrf,
    )
