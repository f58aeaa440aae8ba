"""What pages see of sessions: never a token."""

from datetime import datetime
from uuid import UUID

from pydantic import BaseModel, Field

from portal.sessions.models import BrowserSession


class SessionOut(BaseModel):
    """The session of this browser."""

    id: UUID
    sub: UUID = Field(description="登录人的标识")
    acr: str | None = Field(description="登录方式的级别", examples=["urn:zhuxue:acr:sms"])
    auth_time: datetime | None = Field(description="最近一次验证身份的时间")
    expires_at: datetime = Field(description="不再操作时，登录失效的时间")
    ends_at: datetime = Field(description="登录最迟失效的时间")
    now: datetime = Field(description="服务器的时间；浏览器的时钟可能不准")

    @classmethod
    def of(cls, row: BrowserSession, now: datetime) -> "SessionOut":
        """Return what is shown of a session."""
        return cls(
            id=row.id,
            sub=row.person,
            acr=row.acr,
            auth_time=row.auth_time,
            expires_at=row.expires_at,
            ends_at=row.ends_at,
            now=now,
        )


class ListedSession(BaseModel):
    """A session in the list of a person's sessions."""

    id: UUID
    current: bool = Field(description="是否为当前浏览器")
    browser: str = Field(description="浏览器自报的名称和版本")
    created_at: datetime = Field(description="登录时间")
    seen_at: datetime = Field(description="最近使用的时间，精确到分钟")


class SessionList(BaseModel):
    """The sessions of a person, the newest first; at most 100."""

    items: list[ListedSession]


class SignedOut(BaseModel):
    """The end of the session of this browser."""

    everywhere: bool = Field(description="是否也已退出统一用户认证；否则请关闭浏览器")


class SignedOutElsewhere(BaseModel):
    """How many other sessions were ended."""

    ended: int = Field(description="已退出的其他登录的数量", examples=[2])
