"""What the page of a system says of a registration that is refused, in the words of its form.

The registry's own words are for programs (`error_description` of RFC 7591 §3.2.2).
"""

import re
from typing import Final

from servicekit.problems import Problem

LABELS: Final = {
    "client_name": "系统名称",
    "redirect_uris": "回调地址",
    "post_logout_redirect_uris": "退出后的回调地址",
    "allowed_origins": "允许的来源",
    "client_uri": "主页",
    "initiate_login_uri": "发起登录的地址",
    "backchannel_logout_uri": "后端退出通知的地址",
    "frontchannel_logout_uri": "前端退出通知的地址",
    "jwks_uri": "公钥集的地址",
    "jwks": "公钥集",
    "scope": "范围",
    "grant_types": "可用的授权方式",
    "contacts": "联系邮箱或电话",
}
_WHY: Final = {
    "at least one is required": "至少填写一个",
    "1 to 100 characters": "须为 1 至 100 个字",
    "given twice": "有重复的内容",
    "too long": "过长",
    "not a URI": "不是网址",
    "the port is not one": "端口不正确",
    "must be an absolute https URI": "须为以 https:// 开头的完整网址",
    "must not have a fragment": "不能含有 #",
    "must not have a wildcard": "不能含有 *",
    "must not have user information": "不能含有用户名或密码",
    "must not have dot segments, nor encoded dots, slashes, percent signs or controls": (
        "不能含有 ./、../ 或其编码"
    ),
    "only characters of RFC 3986; internationalized names in A-label form (xn--)": (
        "含有网址中不能使用的字符；中文域名请写成 xn-- 形式"
    ),
    "http is only for localhost, 127.0.0.1 and [::1]": (
        "除本机（localhost、127.0.0.1、[::1]）外须以 https 开头"
    ),
    "must be reachable from elsewhere; only in dev mode may it be on this machine": "不能是本机地址",
    "the host is not a full domain name": "的主机不是完整的域名",
    "the host is not a valid A-label": "的主机不是正确的 xn-- 域名",
    "the host is not an address": "的主机不是正确的网络地址",
    "the host must be a name in lower case": "的主机须为小写的域名",
    "and jwks_uri must not both be given": "与公钥集的地址只能填写一个",
    "must be a public address": "须为公网地址，或运营单位开放的网段",
    "must have the host of a redirect URI": "须与某个回调地址同一主机",
    "scheme, host and port only, as in https://app.example.cn": "只写协议、主机和端口，如 https://app.example.cn",
    "only for clients of method 'none', which run in browsers": "只有在浏览器中运行、无密钥的系统才能填写",
    "not a JWK Set": "不是 JSON 格式的公钥集",
    "not a JWK Set in JSON": "不是 JSON 格式的公钥集",
    "only public EC, RSA and OKP keys": "只能有 EC、RSA、OKP 公钥",
    "a private key was sent; it is no longer secret, make another": "其中有私钥，它已不再保密，请另行生成",
    "must be e-mail addresses or telephone numbers": "须为邮箱或电话号码",
    "must not have invisible, bidirectional or unassigned characters": "含有看不见或改变文字方向的字符",
    "must not begin or end with a space, nor have two in a row": "首尾不能有空格，中间不能有连续的空格",
    "must have a letter": "须含有文字",
    "this is the name of a system of the platform, or looks like it": "与平台自有系统的名称相同或近似",
    "too many marks on one letter": "一个字上的附加符号过多",
    "letters of several scripts are mixed": "混用了几种文字中相似的字母",
}
_MOST: Final = re.compile(r"(?:more than (\d+)|(\d+) at most)")
_BEYOND: Final = re.compile(r"not available to this client: (.+)")


def message_of(problem: Problem) -> str:
    """Return the message to the person; a detail without words of its own is quoted."""
    field, rest = _split(problem.detail)
    if field is None:
        # Already in the person's language, or of a kind that the form cannot cause.
        return problem.detail if not problem.detail.isascii() else f"{problem.title}（{problem.detail}）"
    return f"{problem.title}：“{LABELS[field]}”{_words(rest)}。"


def _split(detail: str) -> tuple[str | None, str]:
    field, _, rest = detail.rstrip(".").partition(" ")
    name = field.removesuffix(":")
    return (name, rest) if name in LABELS else (None, detail)


def _words(why: str) -> str:
    most, beyond = _MOST.fullmatch(why), _BEYOND.fullmatch(why)
    if most is not None:
        return f"最多 {most[1] or most[2]} 个"
    if beyond is not None:
        return f"中 {beyond[1]} 须由全国中心开通"
    return _WHY.get(why, f"不符合要求（{why}）")
