"""The authorization endpoint (RFC 6749 §3.1, OpenID Connect Core §3.1.2): resolve, check, prompt, respond."""

from dataclasses import dataclass

from authlib.common.urls import add_params_to_uri
from authlib.oauth2.base import OAuth2Error

from identity.oauth.authorization import checks, form_post, prompts, pushed_requests
from identity.oauth.authorization.checks import AuthorizationServer
from identity.oauth.authorization.form_post import FormPost
from identity.oauth.authorization.interaction import Marker
from identity.oauth.authorization.locations import as_registered
from identity.oauth.authorization.untrusted import has_nul
from identity.oauth.state.context import Context
from identity.oauth.state.messages import Pairs, Reply, Request
from identity.oauth.state.snapshots import Person


@dataclass(frozen=True)
class Untrusted:
    """The redirect URI cannot be trusted: the error is shown to the person (RFC 6749 §4.1.2.1)."""

    error: str
    description: str


Outcome = Reply | FormPost | prompts.Page | Untrusted


def authorize(context: Context, server: AuthorizationServer, pairs: Pairs, marker: Marker | None) -> Outcome:
    """Return the response to the client, or the page to show first. The response redeems a pushed request
    (RFC 9126).
    """
    uri = f"{context.settings.issuer_url}/authorize"
    request = Request("GET", uri, {}, query=pairs)
    if has_nul(request.payload.datalist):
        return Untrusted("invalid_request", "A parameter has a NUL character.")
    try:
        decided = marker is not None and marker.decided
        parameters, pushed = pushed_requests.resolve(context, list(pairs), decided=decided)
    except OAuth2Error as error:
        return _refuse(context, server, request, error)
    request = Request("GET", uri, {}, query=parameters)
    outcome = _answer(context, server, request, marker)
    if pushed is not None and isinstance(outcome, Reply | FormPost):
        pushed.used_at = context.clock.now()
    return outcome


def consent_asked(
    context: Context, server: AuthorizationServer, pairs: Pairs, marker: Marker | None
) -> prompts.ConsentPage | None:
    """Return the consent page that a request leads to, or None. Answers the client in no case, so that a
    decision can be sent twice.
    """
    try:
        parameters, _ = pushed_requests.resolve(context, list(pairs))
        request = Request("GET", f"{context.settings.issuer_url}/authorize", {}, query=parameters)
        checked = checks.check(context, server, request)
        page = prompts.next_page(checked, _person(context), marker)
    except OAuth2Error:
        return None
    return page if isinstance(page, prompts.ConsentPage) else None


def _answer(
    context: Context, server: AuthorizationServer, request: Request, marker: Marker | None
) -> Outcome:
    person = _person(context)
    try:
        checked = checks.check(context, server, request)
        page = prompts.next_page(checked, person, marker)
    except OAuth2Error as error:
        return _refuse(context, server, request, error)
    if page is not None:
        return page
    reply: Reply = server.create_authorization_response(request, grant_user=person, grant=checked.grant)
    return _in_mode(request, reply)


def _person(context: Context) -> Person | None:
    """Return the signed-in account if it is active."""
    if context.visitor is not None:
        return context.visitor.person
    return None if context.browser is None else context.browsing.person(context.browser.account_id)


def _refuse(
    context: Context, server: AuthorizationServer, request: Request, error: OAuth2Error
) -> Reply | FormPost | Untrusted:
    if not error.redirect_uri:
        return Untrusted(str(error.error), str(error.description or ""))
    reply: Reply = server.handle_error_response(request, error)
    assert reply.location is not None
    # RFC 9207 §2: also in error responses.
    reply.location = add_params_to_uri(reply.location, {"iss": context.settings.issuer_url})
    return _in_mode(request, reply, error.redirect_uri)


def _in_mode(request: Request, reply: Reply, redirect_uri: str | None = None) -> Reply | FormPost:
    """Return the authorization response in the requested response mode."""
    data = request.payload.data
    if reply.location is None:
        return reply
    if data.get("response_mode") == "form_post":
        return form_post.from_location(data["redirect_uri"], reply.location)
    # A pushed request that was refused is not known here; its answer goes where its error says.
    reply.location = as_registered(redirect_uri or data["redirect_uri"], reply.location)
    return reply
