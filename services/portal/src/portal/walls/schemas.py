"""What a display sees of itself: never a token, nor its device code."""

from pydantic import BaseModel, Field

from portal.walls.rules import WallState


class WallOut(BaseModel):
    """The state of this display."""

    state: WallState = Field(
        description="none：须申请代码；pending：等待批准；denied：未获批准；showing：可以显示"
    )
    poll_seconds: int | None = Field(default=None, description="等待批准时，多少秒后再查询")
    user_code: str | None = Field(default=None, description="显示的代码", examples=["WDJB-MJHT"])
    address: str | None = Field(default=None, description="输入代码的地址")
    qr_svg: str | None = Field(default=None, description="含代码的地址的二维码（SVG）")
