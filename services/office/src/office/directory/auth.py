"""Who may read the directory."""

from typing import Annotated

from fastapi import Depends

from office.actors import Actor, acting_as

Member = Annotated[Actor, Depends(acting_as())]
"""Any member of a unit."""
