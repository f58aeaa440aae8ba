"""Actor types for files, with the roles they require."""

from typing import Annotated

from fastapi import Depends

from office.actors import Actor, acting_as
from office.files.rules import AUDITING_ROLES

FileAuditor = Annotated[Actor, Depends(acting_as(*AUDITING_ROLES))]
"""单位管理员, 签发人: see who has downloaded the files of the unit."""
