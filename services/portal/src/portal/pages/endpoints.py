"""What pages need to know of the site before anybody is signed in."""

from fastapi import APIRouter, Request
from pydantic import BaseModel, Field

from portal.errors import CrossSite
from portal.sessions.dependencies import Guarded
from servicekit import problems

router = APIRouter(
    prefix="/bff", tags=["页面"], dependencies=[Guarded], responses=problems.responses(CrossSite)
)


class SiteOut(BaseModel):
    """The surroundings of the pages."""

    identity_url: str = Field(description="统一用户认证的地址：账号、注册、隐私政策等页面在那里")
    dev: bool = Field(description="是否为开发模式")


@router.get("/site", summary="站点信息", description="页面所在站点的信息，无需登录。")
async def get_site(request: Request) -> SiteOut:
    """Return where the other pages are."""
    settings = request.app.state.settings
    return SiteOut(identity_url=settings.issuer_url, dev=settings.dev)
