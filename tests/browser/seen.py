"""What a tour has shown, and what there is: no page can be forgotten."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from fastapi import APIRouter
from fastapi.routing import APIRoute
from jinja2 import Environment, Template

import identity.pages.rendering
import onebox.start

if TYPE_CHECKING:
    from fastapi import FastAPI
    from playwright.async_api import Page, Response

_FOLDERS = [Path(str(one.__file__)).parent / "templates" for one in (identity.pages.rendering, onebox.start)]
# What other templates extend.
_FRAMES = {"base.html", "own.html", "entry.html"}
# Shown by the portal of `make run` while a demo account waits for its next code; no portal runs here.
_OF_PORTAL = {"waiting.html"}
NOT_PAGES = {
    # For programs, and for developers.
    "/docs",
    "/redoc",
    "/livez",
    "/readyz",
    "/metrics",
    "/.well-known/openid-configuration",
    "/.well-known/oauth-authorization-server",
    "/jwks",
    "/userinfo",
    "/register/{client_id}",
    "/dev/sms.json",
    # Lead elsewhere.
    "/",
    "/register",
    "/favicon.ico",
}
"""Operations with GET, outside of `/api`, that answer no page of their own."""


@dataclass
class Seen:
    """The templates and the operations of the pages that were on the screen."""

    templates: set[str] = field(default_factory=set)
    paths: set[str] = field(default_factory=set)
    _last: str = ""

    def watch(self, patch: pytest.MonkeyPatch, page: "Page") -> None:
        """Note what is rendered, and what `page` navigates to."""
        get_template = Environment.get_template

        def noted(self: Environment, name: Any, parent: str | None = None, *more: Any) -> Template:
            found = get_template(self, name, parent, *more)
            if parent is None:
                seen._last = short(Path(str(found.filename)))
            return found

        def navigated(response: "Response") -> None:
            if response.request.is_navigation_request() and response.request.method == "GET":
                self.paths.add(response.url.partition("?")[0].partition("//")[2].partition("/")[2])

        seen = self
        patch.setattr(Environment, "get_template", noted)
        page.on("response", navigated)

    def on_screen(self) -> None:
        """The page that was rendered last is on the screen."""
        self.templates.add(self._last)

    def missing_templates(self) -> set[str]:
        """Templates of pages that were not on the screen."""
        every = {
            short(path)
            for folder in _FOLDERS
            for path in folder.rglob("*.html")
            if not path.name.startswith("_") and path.name not in _FRAMES | _OF_PORTAL
        }
        return every - self.templates

    def missing_operations(self, app: "FastAPI") -> set[str]:
        """Operations of pages that nobody went to."""
        routes = {path: route for path, route in operations(app.router) if "GET" in (route.methods or ())}
        pages = {path for path in routes if not path.startswith("/api/")} - NOT_PAGES
        visited = {f"/{path}" for path in self.paths}
        return {path for path in pages if not any(routes[path].path_regex.fullmatch(one) for one in visited)}


def short(path: Path) -> str:
    """A template's name, with that of the package."""
    for folder in _FOLDERS:
        if path.is_relative_to(folder):
            return f"{folder.parent.name}: {path.relative_to(folder)}"
    return path.name


def operations(router: Any, prefix: str = "") -> Iterator[tuple[str, APIRoute]]:
    """Every operation with its path."""
    for one in router.routes:
        if isinstance(one, APIRoute):
            yield prefix + one.path, one
            continue
        inner = getattr(one, "original_router", None)
        if isinstance(inner, APIRouter):
            yield from operations(inner, prefix + one.include_context.prefix)
