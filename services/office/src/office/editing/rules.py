"""How long somebody counts as editing. Pure."""

from datetime import timedelta
from typing import Final

LEASE: Final = timedelta(seconds=60)
"""After the last sign of an editor. A front end gives one every 20 seconds."""
MAX_EDITORS: Final = 20
"""Of one draft, as far as they are told and shown."""
