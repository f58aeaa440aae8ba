"""Errors of the device page; rendered, not raised, so that attempts are counted."""

from enum import Enum


class UserCodeRefusal(Enum):
    """Reason why a user code is rejected, as text for the person."""

    UNKNOWN = "代码不正确或已过期，请核对设备上显示的代码。"
    NO_COCKPIT = "您没有数字驾驶舱的授权，或不属于任何单位，不能批准大屏。"
    TOO_MANY = "输入错误次数过多，请 10 分钟后再试。"
