"""Who changes the client registry."""

from dataclasses import dataclass
from uuid import UUID

from authkit.principal import Principal
from contracts.vocabulary import Level, Permission
from identity.units.models import Unit


@dataclass(frozen=True)
class Registrar:
    """An administrator of a unit or of the platform, or the bearer of a registration access token."""

    name: str
    path: str
    """Of the unit; empty for the platform."""
    centre: bool
    unit_id: UUID | None
    """None for the platform."""

    @classmethod
    def of(cls, principal: Principal) -> "Registrar":
        """Return the administrator named by an access token."""
        if principal.may(Permission.PLATFORM_CLIENTS):
            return cls(principal.sub, "", centre=True, unit_id=None)
        acting = principal.acting
        assert acting is not None
        return cls(principal.sub, acting.path, acting.level == Level.MINISTRY, acting.unit)


def registrant(unit: Unit, name: str) -> Registrar:
    """Return a registrar limited to one unit, without the further rights of its administrators."""
    return Registrar(name, unit.path, centre=False, unit_id=unit.id)
