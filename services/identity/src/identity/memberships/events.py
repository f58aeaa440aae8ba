"""What other services are told about a person."""

from collections.abc import Sequence

from contracts.identity import PersonChangedV1, PersonMembership
from identity.accounts.models import Account
from identity.memberships.models import Belonging


def person_changed(account: Account, memberships: Sequence[Belonging]) -> PersonChangedV1:
    """Return the event for the current state of a person; `memberships` has the primary one first."""
    first = memberships[0] if memberships else None
    return PersonChangedV1(
        sub=account.id,
        name=account.name,
        phone_masked=account.phone_masked,
        status=account.status,
        unit_id=None if first is None else first[1].id,
        unit_path=None if first is None else first[1].path,
        roles=[] if first is None else first[0].roles,
        version=account.version,
        memberships=tuple(
            PersonMembership(unit_id=unit.id, unit_path=unit.path, roles=one.roles, posts=one.posts)
            for one, unit in memberships
        ),
    )
