"""Pages of the issuer: server-rendered, usable without JavaScript, without external resources."""

import re
from contextvars import ContextVar
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from fastapi.responses import HTMLResponse, RedirectResponse
from jinja2 import Environment, FileSystemLoader, StrictUndefined

from contracts.vocabulary import label
from servicekit.clock import SHANGHAI
from servicekit.problems import RETRIED, Problem

HERE = Path(__file__).parent
PATHS = (
    "/authorize",
    "/login",
    "/end_session",
    "/account",
    "/device",
    "/integrations",
    "/help",
    "/join",
    "/register",
)
"""Path prefixes of pages for people; other paths return responses for programs."""
_templates = Environment(
    loader=FileSystemLoader(HERE / "templates"),
    autoescape=True,
    undefined=StrictUndefined,
    trim_blocks=True,
    lstrip_blocks=True,
    # Templates are files of the release; otherwise each page looks whether its files have changed.
    auto_reload=False,
)


@dataclass(frozen=True)
class Site:
    """What the operator puts at the foot of every page; empty parts are left out."""

    organiser: str = ""
    """主办单位"""
    support_phone: str = ""
    help_url: str = "/help"
    icp_number: str = ""
    """ICP备案号"""
    police_number: str = ""
    """公安备案号"""


site: ContextVar[Site] = ContextVar("site", default=Site())  # noqa: B039 - frozen
"""The site of the request; `pages.problems.Pages` sets it."""
_templates.globals["site"] = site.get


def _beijing(moment: datetime, form: str = "%Y-%m-%d %H:%M") -> str:
    return moment.astimezone(SHANGHAI).strftime(form)


# Pages show Beijing time: {{ moment | beijing }} or {{ moment | beijing("%H:%M") }}.
_templates.filters["beijing"] = _beijing
_templates.filters["label"] = label

# Characters allowed in a CSP source list; others would end or break the header.
_NETLOC = re.compile(r"[A-Za-z0-9.:\[\]-]+")

# Messages to the person for the errors of RFC 6749 §4.1.2.1.
_ERRORS = {
    "invalid_client": "请求登录的系统未在统一用户认证登记，或已停用。",
    "invalid_request": "请求不完整或不正确，请从原系统重新进入。",
    "unsupported_response_type": "请求登录的方式不受支持。",
}


def page(
    template: str,
    *,
    status: int = 200,
    form_action: str = "",
    frames: str = "",
    scripts: bool = False,
    pictures: bool = False,
    **values: Any,
) -> HTMLResponse:
    """Return a page with a strict Content-Security-Policy and no caching or framing.

    `form_action` is an additional origin for redirects of forms, because browsers apply the policy to the
    whole redirect chain of a submitted form. `scripts` allows the issuer's scripts from `/static`,
    `pictures` images that are in the page itself.
    """
    policy = (
        f"default-src 'none'; style-src 'self'; img-src 'self'{' data:' if pictures else ''}; "
        "base-uri 'none'; frame-ancestors 'none'; "
        f"form-action 'self' {form_action}".rstrip()
    )
    if frames:
        policy += f"; frame-src {frames}"
    if scripts:
        policy += "; script-src 'self'"
    headers = {
        "Content-Security-Policy": policy,
        "Cache-Control": "no-store",
        "Referrer-Policy": "no-referrer",
        "X-Content-Type-Options": "nosniff",
        "X-Frame-Options": "DENY",
    }
    if status in RETRIED:
        headers["Retry-After"] = str(Problem.retry_after)
    return HTMLResponse(_templates.get_template(template).render(**values), status, headers)


def see_other(path: str) -> RedirectResponse:
    """Return a redirect to be followed with GET and never cached: the answer to a form."""
    return RedirectResponse(path, 303, {"Cache-Control": "no-store"})


def error_page(error: str, description: str, *, title: str = "无法登录") -> HTMLResponse:
    """Return the page for an error that cannot be returned to the client."""
    return page(
        "error.html",
        status=400,
        title=title,
        message=_ERRORS.get(error, "请求无法处理，请从原系统重新进入。"),
        code=error,
        description=description,
    )


def origin_of(uri: str) -> str:
    """Return the origin of a URI, or an empty string if it could break a policy."""
    try:
        parts = urlsplit(uri)
    except ValueError:
        return ""
    if parts.scheme not in {"http", "https"} or not _NETLOC.fullmatch(parts.netloc):
        return ""
    return f"{parts.scheme}://{parts.netloc}"
