"""A grant: the family of everything issued from one authorization."""

from datetime import timedelta

from identity.audit import service as audit
from identity.oauth.context import Context
from identity.oauth.models import Grant
from identity.oauth.repository import Standing
from identity.sessions.service import revoke_access


def active_person(context: Context, grant: Grant) -> Standing | None:
    """The person of a grant, if grant, account and session are all still good."""
    standing = context.standing(grant)
    # Looked at after the lock: until then somebody else may have ended it.
    if standing is None or not standing.active or grant.revoked_at is not None:
        return None
    if grant.session_id is None:
        return standing
    since, absolute = standing.in_session_since, timedelta(seconds=context.settings.session_absolute_seconds)
    return standing if since is not None and context.clock.now() < since + absolute else None


def revoke_grant(context: Context, grant: Grant, reason: str) -> None:
    """End a grant: no code or refresh token of it works again, and its access tokens are withdrawn."""
    if not grant.revoke(context.clock.now()):
        return
    if grant.account_id is not None:
        revoke_access(
            context.session,
            context.clock,
            context.settings.access_token_seconds,
            grant.account_id,
            grant_id=str(grant.id),
            reason=reason,
        )
    audit.record(
        context.session,
        context.clock,
        actor=grant.client_id,
        action="oauth.grant_revoked",
        target=grant.account_id,
        grant=str(grant.id),
        reason=reason,
    )
