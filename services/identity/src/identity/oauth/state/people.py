"""A grant: the family of everything issued from one authorization."""

from datetime import timedelta

from identity.grants.models import Grant
from identity.oauth.state.context import Context
from identity.oauth.state.repository import Standing


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
