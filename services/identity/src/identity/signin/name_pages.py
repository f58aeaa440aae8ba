"""The page of correcting one's name (PIPL article 46). Works without JavaScript."""

from typing import Annotated

from fastapi import APIRouter, Form
from fastapi.responses import Response

from identity.me.dependencies import MyselfService
from identity.pages.dependencies import HOME_PAGE
from identity.pages.own import Own, OwnForm, OwnPages
from identity.signin.forms import IdNumber
from identity.verification.dependencies import RealNameService
from servicekit.problems import Problem

router = APIRouter(prefix=HOME_PAGE, include_in_schema=False)


@router.get("/name")
async def name(own: Own) -> Response:
    """Show the form; a verified name asks for the identity number, too."""
    return _show(own, own.account.name)


@router.post("/name")
async def correct(
    form: OwnForm,
    myself: MyselfService,
    real_names: RealNameService,
    name: Annotated[str, Form(max_length=100)] = "",
    id_number: IdNumber = "",
    consent: Annotated[str, Form(max_length=10)] = "",
) -> Response:
    """Correct the name; a verified one by another check with the operator's provider."""
    sub = form.account.id
    try:
        if form.account.verified_at is None:
            await myself.correct_name(sub, name)
        else:
            await real_names.verify(sub, id_number, consent=consent == "yes", name_text=name)
    except Problem as problem:
        return _show(form, name, problem)
    return form.go(HOME_PAGE, "已更正姓名。")


def _show(own: OwnPages, name: str, problem: Problem | None = None) -> Response:
    return own.show(
        "account/name.html",
        here=HOME_PAGE,
        status=200 if problem is None else problem.status,
        account=own.account,
        name=name,
        message="" if problem is None else problem.detail,
    )
