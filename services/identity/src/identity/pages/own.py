"""The frame of pages of a signed-in person: who they are, the navigation, a notice of what they just did."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Annotated, Any
from urllib.parse import urlencode

from fastapi import Depends, Form, Request
from fastapi.responses import Response

from identity.accounts.dependencies import AccountService
from identity.accounts.models import Account
from identity.dependencies import ServiceSettings, ServiceVault
from identity.pages import csrf, flash
from identity.pages.dependencies import AGREE_PAGE, HOME_PAGE, Browser, is_secure, own_return
from identity.pages.flash import Flash
from identity.pages.rendering import page, see_other
from identity.policies.dependencies import PolicyService
from identity.sessions.models import BrowserSession
from identity.settings import Settings
from identity.vault import Vault
from servicekit.clock import Clock
from servicekit.dependencies import ServiceClock
from servicekit.problems import Problem

NAVIGATION = (
    ("/account", "账号首页"),
    ("/account/units", "我的单位"),
    ("/account/delegations", "委托代办"),
    ("/account/security", "登录方式"),
    ("/account/sessions", "登录设备"),
    ("/account/authorisations", "系统授权"),
    ("/account/history", "登录记录"),
    ("/account/privacy", "隐私与数据"),
)
"""Addresses and names of the pages of one's account."""


class SignInFirst(Exception):
    """The page needs a session: the person signs in and comes back to `return_to`."""

    def __init__(self, return_to: str) -> None:
        self.return_to = return_to
        super().__init__(return_to)


class AgreeFirst(Exception):
    """The page needs the agreement to the current documents: the person agrees and comes back to
    `return_to`.
    """

    def __init__(self, return_to: str) -> None:
        self.return_to = return_to
        super().__init__(return_to)


def on_agree_first(_: Request, error: Exception) -> Response:
    """Exception handler: lead to the page of agreeing."""
    assert isinstance(error, AgreeFirst)
    return see_other(f"{AGREE_PAGE}?{urlencode({'return_to': error.return_to})}")


def on_sign_in_first(_: Request, error: Exception) -> Response:
    """Exception handler: lead to the sign-in page."""
    assert isinstance(error, SignInFirst)
    query = urlencode({"return_to": error.return_to})
    return see_other(f"/login?{query}")


@dataclass(frozen=True)
class Frame:
    """What the template of the frame shows."""

    name: str
    csrf: str
    here: str
    """The address that the navigation marks."""
    navigation: tuple[tuple[str, str], ...]
    notice: str
    refused: bool


class OwnPages:
    """Pages for the signed-in person of one request."""

    def __init__(
        self,
        request: Request,
        browser: BrowserSession,
        account: Account,
        vault: Vault,
        settings: Settings,
        clock: Clock,
    ) -> None:
        self.browser = browser
        self.account = account
        self.csrf = csrf.token_of(vault, browser)
        self._request = request
        self._vault = vault
        self._clock = clock
        self._secure = is_secure(settings)
        self._flash = flash.take(request, vault, browser.id, clock.now())

    def taken(self, name: str) -> str:
        """Return a value that the form before left for this page, or an empty string."""
        return "" if self._flash is None else self._flash.values.get(name, "")

    def show(self, template: str, *, here: str = "", status: int = 200, **values: Any) -> Response:
        """Return a page in the frame. `here` is the address that the navigation marks, else the request's."""
        own = Frame(
            name=self.account.name,
            csrf=self.csrf,
            here=here or self._request.url.path,
            navigation=NAVIGATION,
            notice="" if self._flash is None else self._flash.notice,
            refused=self._flash is not None and self._flash.refused,
        )
        response = page(template, status=status, own=own, csrf=self.csrf, **values)
        if self._flash is not None:
            flash.drop(response, secure=self._secure)
        return response

    def refuse(self, path: str, problem: Problem) -> Response:
        """Redirect to one's own page, which then says why something was not done."""
        return self._go(path, Flash(problem.detail, refused=True))

    def go(self, path: str, notice: str = "", **values: str) -> Response:
        """Redirect to one's own page, which then shows `notice` and may take `values`, once."""
        return self._go(path, Flash(notice, values=values))

    def _go(self, path: str, content: Flash) -> Response:
        response = see_other(path)
        if content != Flash():
            target = path.partition("?")[0]
            flash.put(
                response,
                self._vault,
                self.browser.id,
                target,
                content,
                self._clock.now(),
                secure=self._secure,
            )
        return response


async def _open(
    request: Request,
    browser: Browser,
    accounts: AccountService,
    vault: ServiceVault,
    settings: ServiceSettings,
    clock: ServiceClock,
) -> OwnPages:
    if browser is None:
        raise SignInFirst(own_return(_address(request)))
    account = await accounts.get(browser.account_id)
    return OwnPages(request, browser, account, vault, settings, clock)


async def _own(
    request: Request, own: Annotated[OwnPages, Depends(_open)], policies: PolicyService
) -> OwnPages:
    if await policies.missing(own.account.id):
        raise AgreeFirst(own_return(_address(request)))
    return own


def _address(request: Request) -> str:
    query = request.url.query
    return request.url.path + (f"?{query}" if query else "")


def _form(*, lock: bool, agreed: bool) -> Callable[..., Awaitable[OwnPages]]:
    async def dependency(
        request: Request,
        browser: Browser,
        accounts: AccountService,
        vault: ServiceVault,
        settings: ServiceSettings,
        clock: ServiceClock,
        policies: PolicyService,
        token: Annotated[str, Form(max_length=128, alias="csrf")],
    ) -> OwnPages:
        mine = csrf.check(request, vault, settings, browser, token)
        if agreed and await policies.missing(mine.account_id):
            raise AgreeFirst(HOME_PAGE)
        account = await accounts.get(mine.account_id, lock=lock)
        return OwnPages(request, mine, account, vault, settings, clock)

    return dependency


Own = Annotated[OwnPages, Depends(_own)]
"""A page of the signed-in person, who has agreed to the current documents."""

OpenOwn = Annotated[OwnPages, Depends(_open)]
"""A page that does not need the agreement: to agree, or to use one's rights without."""

OpenOwnForm = Annotated[OwnPages, Depends(_form(lock=False, agreed=False))]
"""A form on such a page."""

OwnForm = Annotated[OwnPages, Depends(_form(lock=False, agreed=True))]
"""A form that the signed-in person sent from a page of the issuer."""

LockedOwnForm = Annotated[OwnPages, Depends(_form(lock=True, agreed=True))]
"""The same with the account locked, for forms that lock no unit after it (the common lock order)."""
