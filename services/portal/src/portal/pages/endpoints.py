"""What pages need to know of the site before anybody is signed in."""

from fastapi import APIRouter, Request
from pydantic import BaseModel, Field

from portal.errors import CrossSite
from portal.sessions.dependencies import Guarded
from portal.settings import Settings
from servicekit import problems

router = APIRouter(
    prefix="/bff", tags=["页面"], dependencies=[Guarded], responses=problems.responses(CrossSite)
)


class SiteOut(BaseModel):
    """The surroundings of the pages."""

    identity_url: str = Field(description="统一用户认证的地址：账号、注册、隐私政策等页面在那里")
    dev: bool = Field(description="是否为开发模式")
    organiser: str = Field(description="主办单位；为空时不显示", examples=["全国学生资助管理中心"])
    support_phone: str | None = Field(description="咨询电话", examples=["010-12345678"])
    help_url: str | None = Field(description="运维单位自建的帮助页面；没有时为空", examples=[None])
    icp_number: str | None = Field(description="ICP 备案号", examples=["京ICP备00000000号"])
    police_number: str | None = Field(description="公安备案号", examples=["京公网安备00000000000000号"])


@router.get("/site", summary="站点信息", description="页面所在站点的信息，无需登录。")
async def get_site(request: Request) -> SiteOut:
    """Return where the other pages are, and what the operator puts at the foot of all."""
    settings: Settings = request.app.state.settings
    return SiteOut(
        identity_url=settings.issuer_url,
        dev=settings.dev,
        organiser=settings.site_organiser,
        support_phone=settings.site_support_phone,
        help_url=None if settings.site_help_url is None else str(settings.site_help_url),
        icp_number=settings.site_icp_number,
        police_number=settings.site_police_number,
    )
