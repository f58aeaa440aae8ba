"""What other services are asked when somebody leaves a unit."""

from contracts.identity import HandOverRequestedV1
from identity.member_changes.models import HandOver
from identity.units.models import Unit


def requested(row: HandOver, unit: Unit, heir: Unit | None) -> HandOverRequestedV1:
    """Return the request to hand over the work: within the unit, or to the unit `heir`."""
    return HandOverRequestedV1(
        hand_over_id=row.id,
        sub=row.account_id,
        unit_id=unit.id,
        unit_path=unit.path,
        successor=row.successor_id,
        requested_at=row.requested_at,
        successor_unit_id=None if heir is None else heir.id,
        successor_unit_path=None if heir is None else heir.path,
    )
