"""Who may read the audit log."""

from typing import Annotated

from fastapi import Depends

from authkit.dependencies import requires
from authkit.errors import InsufficientScope, PermissionRequired, PersonRequired
from authkit.principal import Principal
from contracts.vocabulary import Permission
from identity.units.auth import SCOPE

AuditAdmin = Annotated[
    Principal, Depends(requires(scope=SCOPE, permission=Permission.AUDIT_READ, membership=False))
]
"""An audit administrator (审计管理员) of the platform; needs no unit."""

REFUSED = (InsufficientScope, PersonRequired, PermissionRequired)
"""Errors for everybody else."""
