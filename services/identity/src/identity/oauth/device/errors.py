"""Refusals on the device page; rendered there, not raised, so that tries are counted."""

from enum import Enum


class UserCodeRefusal(Enum):
    """Why a user code leads nowhere, in the person's words."""

    UNKNOWN = "代码不正确或已过期，请核对设备上显示的代码。"
    TOO_MANY = "输入错误次数过多，请 10 分钟后再试。"
