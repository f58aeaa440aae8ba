"""All models, for migrations and their check."""

from portal.base import Base
from portal.sessions.models import AccessToken, BrowserSession
from portal.signing_in.models import UsedLogoutToken
from portal.walls.models import WallRequest

__all__ = ["AccessToken", "Base", "BrowserSession", "UsedLogoutToken", "WallRequest"]
