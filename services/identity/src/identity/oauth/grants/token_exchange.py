"""Token exchange (RFC 8693): a service calls another service on behalf of a person.

Only delegation (§1.1): the new token names the acting client in `act`, does not outlive the subject token,
and ends with the same session, grant and account. It is for one service and by default carries only that
service's scopes; further scopes must be requested for a further exchange.
"""

from dataclasses import dataclass
from typing import Any

from authlib.oauth2.rfc6749 import (
    BaseGrant,
    InvalidRequestError,
    InvalidScopeError,
    TokenEndpointMixin,
    UnauthorizedClientError,
)

from identity.clients.models import Client
from identity.clients.rules import TOKEN_EXCHANGE
from identity.oauth.authentication import client_auth
from identity.oauth.authentication.dpop import InvalidProof
from identity.oauth.state.context import Context, current
from identity.oauth.tokens import access_tokens, issued, resources
from identity.oauth.tokens.introspection import own_audience

ACCESS_TOKEN = "urn:ietf:params:oauth:token-type:access_token"
LONGEST_CHAIN = 3
# Scopes of the client that the person signed in to; not delegated.
_OF_SIGN_IN = {"openid", "profile", "phone", "offline_access"}


@dataclass(frozen=True)
class _SubjectToken:
    """The person's access token to exchange."""

    claims: dict[str, Any]
    token: issued.ActiveToken


class TokenExchangeGrant(BaseGrant, TokenEndpointMixin):  # type: ignore[misc]
    """For confidential clients that the centre registered for this grant.

    Any error of a subject or actor token is `invalid_request` (§2.2.2). `may_act` is neither issued nor read:
    the client registry defines who may act.
    """

    GRANT_TYPE = TOKEN_EXCHANGE
    TOKEN_ENDPOINT_AUTH_METHODS = client_auth.CONFIDENTIAL

    def validate_token_request(self) -> None:
        """Check client, tokens, target and scope. Raises the errors of §2.2.2 and RFC 6749 §5.2."""
        context = current()
        client: Client = self.authenticate_token_endpoint_client()
        self.request.client = client
        if not client.check_grant_type(TOKEN_EXCHANGE):
            raise UnauthorizedClientError("The client is not registered for token exchange.")
        form = self.request.form
        if form.get("requested_token_type", ACCESS_TOKEN) != ACCESS_TOKEN:
            raise InvalidRequestError("Only access tokens are issued.")
        self._subject = _subject(context, client, form)
        _check_actor(context, client, form)
        self._target = _target(client, self.request.payload.datalist)
        self._scope = _scope(client, self._subject.claims, self._target, form.get("scope"))
        self._act = {"sub": client.client_id}
        before = self._subject.claims.get("act")
        if before is not None:
            self._act["act"] = before
        if len(issued.actors({"act": self._act})) > LONGEST_CHAIN:
            raise InvalidRequestError(f"More than {LONGEST_CHAIN} services in a chain.")

    def create_token_response(self) -> tuple[int, dict[str, Any], Any]:
        """Return the token response (§2.2.1)."""
        context, client, claims = current(), self.request.client, self._subject.claims
        now = int(context.clock.now().timestamp())
        until = min(claims["exp"], now + context.settings.access_token_seconds)
        token = self._subject.token
        assert token.person is not None
        assert token.grant is not None
        value = access_tokens.for_person(
            context,
            client,
            token.person,
            token.grant,
            [self._target],
            self._scope,
            act=self._act,
            until=until,
        )
        context.audit.record(
            actor=client.client_id,
            action="oauth.token_exchanged",
            target=token.person.id,
            audience=self._target,
            scope=self._scope,
            subject_client=claims["client_id"],
            subject_jti=claims["jti"],
            chain=issued.actors({"act": self._act}),
        )
        body = {
            "access_token": value,
            "issued_token_type": ACCESS_TOKEN,
            "token_type": context.token_type,
            "expires_in": until - now,
            "scope": self._scope,
        }
        return 200, body, self.TOKEN_RESPONSE_HEADER


def _subject(context: Context, client: Client, form: dict[str, str]) -> _SubjectToken:
    """Return the subject token if it is an active token of a person, issued to the caller or with its
    audience.
    """
    value = form.get("subject_token")
    if value is None or form.get("subject_token_type") != ACCESS_TOKEN:
        raise InvalidRequestError("A 'subject_token' of the type access_token is needed.")
    claims = issued.read(context, value)
    token = None if claims is None else issued.active(context, claims, lock=True)
    if claims is None or token is None or token.person is None:
        raise InvalidRequestError("The subject token is not valid.")
    meant = own_audience(client) in issued.audiences(claims)
    if not meant and claims["client_id"] != client.client_id:
        raise InvalidRequestError("The subject token is neither meant for this client nor issued to it.")
    bound = claims.get("cnf")
    if bound is not None:
        # A sender-constrained token must not be exchanged for a bearer token.
        if context.dpop_jkt is None:
            raise InvalidProof("A token that is bound to a key is exchanged with a DPoP proof only.")
        # The client that the token was issued to holds its key. A client in the audience does not: it
        # verified the proof when it was called, and binds the new token to its own key.
        if not meant and bound.get("jkt") != context.dpop_jkt:
            raise InvalidRequestError("The subject token is bound to another key.")
    return _SubjectToken(claims, token)


def _check_actor(context: Context, client: Client, form: dict[str, str]) -> None:
    """Require that an `actor_token`, if present, is the authenticated client's own token."""
    value, kind = form.get("actor_token"), form.get("actor_token_type")
    if value is None and kind is None:
        return
    claims = issued.read(context, value) if value is not None and kind == ACCESS_TOKEN else None
    if claims is None or issued.active(context, claims) is None or claims["sub"] != client.client_id:
        raise InvalidRequestError("The actor is the client itself: another 'actor_token' is not taken.")


def _target(client: Client, lists: Any) -> str:
    """Return the single target service, named by `resource` or `audience` (§2.1)."""
    named = dict.fromkeys([*lists.get("resource", []), *lists.get("audience", [])])
    if not named:
        raise InvalidRequestError("Name the target with 'resource' or 'audience'.")
    if len(named) > 1:
        raise resources.InvalidTargetError("A token is issued for one target.")
    return resources.requested(client, list(named))[0]


def _scope(client: Client, claims: dict[str, Any], target: str, asked: str | None) -> str:
    """Return the scope within the person's token and the client's registration; by default the target's
    scopes.
    """
    allowed = {*str(claims.get("scope", "")).split()} & {*client.scopes} - _OF_SIGN_IN
    service = target.rpartition(":")[2]
    wanted = {name for name in allowed if name.partition(":")[0] == service}
    if asked is not None:
        wanted = {*asked.split()}
    if not wanted or not wanted <= allowed:
        raise InvalidScopeError("The scope exceeds what the subject token and the client allow there.")
    return " ".join(sorted(wanted))
