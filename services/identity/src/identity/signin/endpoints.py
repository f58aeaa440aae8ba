"""Sign-in at the issuer with phone number and SMS code, in server-rendered forms.

The three steps run on a lane, and in a session for what is rare there: a browser that has a session already,
and a text from the phone (`servicekit.lane_sessions`).
"""

from typing import Annotated
from urllib.parse import urlencode

from fastapi import APIRouter, Request
from fastapi.responses import Response
from pydantic import BaseModel, Field
from sqlalchemy.ext.asyncio import AsyncSession

from identity.accounts.rules import normalise_phone
from identity.oauth.authorization import hints
from identity.pages.dependencies import HOME_PAGE, checked_return, session_cookie
from identity.pages.forms import fields_of_form, fields_of_query
from identity.pages.rendering import see_other
from identity.signin import forms as fields
from identity.signin.dependencies import SigningIn, signing_in
from identity.signin.forms import CodeForms, signed_in
from servicekit.lane_sessions import on_lane
from servicekit.routing import DirectRoute
from servicekit.wiring import Wiring

router = APIRouter(include_in_schema=False, route_class=DirectRoute)
_PAGE = "login/phone.html"
_forms = Wiring(CodeForms)
_signing_in = Wiring(signing_in)


class _Query(BaseModel):
    return_to: Annotated[str, Field(max_length=8000)] = ""
    login_hint: Annotated[str, Field(max_length=hints.MAX_LENGTH)] = ""


class _Phone(BaseModel):
    return_to: fields.ReturnTo
    csrf: fields.Token
    phone: fields.Phone = ""
    captcha: fields.CaptchaToken = ""
    answer: fields.CaptchaAnswer = ""


class _Code(BaseModel):
    return_to: fields.ReturnTo
    csrf: fields.Token
    phone: fields.Phone = ""
    code: fields.Code = ""
    again_at: fields.AgainAt = 0


@router.get("/login")
async def login_page(request: Request) -> Response:
    """Show the sign-in form; prefill a `login_hint` that is a phone number (OpenID Connect Core §3.1.2.1)."""
    query = fields_of_query(request, _Query)
    if not query.return_to:
        # Somebody typed the address, or kept it as a bookmark.
        return see_other(HOME_PAGE)
    checked_return(query.return_to)
    vault = request.app.state.vault
    hint = hints.sealed(vault, query.login_hint)
    if hint != query.login_hint:
        return see_other("/login?" + urlencode({"return_to": query.return_to, hints.PARAM: hint}))
    phone = normalise_phone(hints.opened(vault, hint)) or ""

    async def show(session: AsyncSession) -> Response:
        forms = await _forms(request, session)
        return await forms.show(_PAGE, query.return_to, phone=phone)

    return await on_lane(request.app.state.database, show)


@router.post("/login/code")
async def send_code(request: Request) -> Response:
    """Send an SMS code; the page is the same for unregistered numbers."""
    form = await fields_of_form(request, _Phone)

    async def send(session: AsyncSession) -> Response:
        forms = await _forms(request, session)
        forms.check(form.csrf, form.return_to)
        return await forms.send(_PAGE, form.return_to, form.phone, "sign_in", form.captcha, form.answer)

    return await on_lane(request.app.state.database, send)


@router.post("/login")
async def sign_in(request: Request) -> Response:
    """Verify the code, create a session and redirect to the client. `code` may be the whole text message."""
    form = await fields_of_form(request, _Code)

    async def confirm(session: AsyncSession) -> Response:
        return await _confirm(await _signing_in(request, session), request, form)

    return await on_lane(request.app.state.database, confirm)


async def _confirm(services: SigningIn, request: Request, form: _Code) -> Response:
    forms, sessions, settings = services.forms, services.sessions, request.app.state.settings
    forms.check(form.csrf, form.return_to)
    browser = await sessions.resume(session_cookie(request, settings))

    async def act() -> Response:
        made = await services.sign_in.with_code(form.phone, forms.ticket, form.code, browser)
        return signed_in(made, form.return_to, settings)

    response = await forms.confirm(
        _PAGE, form.return_to, act, phone=form.phone, code=form.code, again_at=form.again_at
    )
    if browser is not None:
        # Last: the account is locked before the session.
        sessions.touch(browser)
    return response
