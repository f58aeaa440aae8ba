"""Actor types for exports, with the permissions they require."""

from typing import Annotated

from fastapi import Depends

from authkit.principal import Principal
from cockpit.access import rules
from cockpit.access.auth import access
from contracts.vocabulary import Permission

ExportAuditor = Annotated[Principal, Depends(access(rules.READ, permissions=(Permission.FILES_AUDIT,)))]
"""May see who has exported what in the unit and below."""
