"""What a person recognises a browser by: the kind of device, the browser, a part of the network address."""

import ipaddress
import re
from dataclasses import dataclass

# The first pattern that is found counts: browsers name each other, and Android names Linux.
_SYSTEMS = (
    (r"HarmonyOS|OpenHarmony|ArkWeb", "鸿蒙手机"),
    (r"iPhone|iPod", "苹果手机"),
    (r"iPad", "苹果平板"),
    (r"Android.*Mobile|Mobile.*Android", "安卓手机"),
    (r"Android", "安卓平板"),
    (r"Windows", "Windows 电脑"),
    (r"Macintosh|Mac OS X", "苹果电脑"),
    (r"UOS|UnionTech", "统信电脑"),
    (r"Kylin", "麒麟电脑"),
    (r"CrOS|Linux|X11", "Linux 电脑"),
)
_BROWSERS = (
    (r"MicroMessenger", "微信"),
    (r"DingTalk", "钉钉"),
    (r"wxwork", "企业微信"),
    (r"AlipayClient", "支付宝"),
    (r"QQBrowser", "QQ 浏览器"),
    (r"UCBrowser|UCWEB", "UC 浏览器"),
    (r"360SE|360EE|QihooBrowser|QHBrowser", "360 浏览器"),
    (r"MetaSr|SogouMobileBrowser", "搜狗浏览器"),
    (r"HuaweiBrowser|ArkWeb", "华为浏览器"),
    (r"MiuiBrowser", "小米浏览器"),
    (r"VivoBrowser", "vivo 浏览器"),
    (r"HeyTapBrowser", "OPPO 浏览器"),
    (r"Edg(e|A|iOS)?/", "Edge 浏览器"),
    (r"OPR/|Opera", "Opera 浏览器"),
    (r"Firefox|FxiOS", "Firefox 浏览器"),
    (r"Chrome|Chromium|CriOS", "Chrome 浏览器"),
    (r"Safari", "Safari 浏览器"),
    (r"MSIE|Trident", "IE 浏览器"),
)
_LONGEST = 1000


@dataclass(frozen=True)
class Device:
    """What a session keeps of the browser that it belongs to."""

    name: str = ""
    """For people, such as “Windows 电脑 · Edge 浏览器”; empty if nothing is recognised."""
    address: str = ""
    """The network address without its last part."""
    place: str = ""
    """Where the address is, as far as the operator's tables tell."""


def device_of(user_agent: str, address: str, place: str = "") -> Device:
    """Return what a person may see of a browser. Nothing of it is verified."""
    text = user_agent[:_LONGEST]
    parts = (_first(_SYSTEMS, text), _first(_BROWSERS, text))
    return Device(" · ".join(part for part in parts if part), masked_address(address), place)


def masked_address(address: str) -> str:
    """Return an address without its last part: `203.0.113.*`, `2001:db8:1:*`; empty if it is none."""
    try:
        parsed = ipaddress.ip_address(address.partition("%")[0])
    except ValueError:
        return ""
    if isinstance(parsed, ipaddress.IPv6Address):
        if parsed.ipv4_mapped is None:
            return ":".join(format(int(group, 16), "x") for group in parsed.exploded.split(":")[:3]) + ":*"
        parsed = parsed.ipv4_mapped
    return str(parsed).rpartition(".")[0] + ".*"


def _first(patterns: tuple[tuple[str, str], ...], text: str) -> str:
    return next((name for pattern, name in patterns if re.search(pattern, text)), "")
