"""Pages of the authorization endpoint: consent and account selection."""

from urllib.parse import urlsplit

from fastapi.responses import Response

from identity.clients.rules import LOOPBACK
from identity.clients.shown import SystemName
from identity.consents.service import words
from identity.oauth.authorization.prompts import ConsentPage, SelectAccountPage
from identity.pages.rendering import origin_of, page


def consent_page(shown: ConsentPage, system: SystemName | None, return_to: str, csrf: str) -> Response:
    """Return the consent page: the client, its request, and buttons to allow and deny."""
    return page(
        "oauth/consent.html",
        form_action=origin_of(shown.redirect_uri),
        ask=shown,
        owner="" if system is None else system.owner,
        # Where the answer goes: the only thing about a client that is verified (RFC 7591 §5).
        host=urlsplit(shown.redirect_uri).hostname,
        own_machine=urlsplit(shown.redirect_uri).hostname in LOOPBACK,
        words=words(shown.scopes),
        return_to=return_to,
        csrf=csrf,
    )


def select_account_page(
    shown: SelectAccountPage, system: SystemName | None, return_to: str, csrf: str
) -> Response:
    """Return the page for `prompt=select_account`: the signed-in account, or another."""
    return page(
        "oauth/choose.html",
        form_action=origin_of(shown.redirect_uri),
        system=system,
        name=shown.name,
        phone_masked=shown.phone_masked,
        return_to=return_to,
        csrf=csrf,
    )
