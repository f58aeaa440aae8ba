"""The page of agreeing to new versions of the documents, between signing in and going on."""

from typing import Annotated

from fastapi import APIRouter, Form, Query
from fastapi.responses import Response

from contracts.vocabulary import PolicyKind
from identity.oauth.authorization.interaction import client_origin
from identity.pages.dependencies import AGREE_PAGE, HOME_PAGE, checked_return
from identity.pages.own import OpenOwn, OpenOwnForm, OwnPages
from identity.pages.rendering import see_other
from identity.policies.dependencies import PolicyService
from identity.policies.service import Policies
from identity.signin.errors import TermsNotAccepted
from identity.signin.forms import ReturnTo
from servicekit.problems import Problem

router = APIRouter(include_in_schema=False)
LINKS = {PolicyKind.PRIVACY_POLICY: "/privacy", PolicyKind.TERMS: "/terms"}
Version = Annotated[str, Form(max_length=20)]


async def _show(
    own: OwnPages, policies: Policies, return_to: str, problem: Problem | None = None
) -> Response:
    missing = await policies.missing(own.account.id)
    if not missing:
        return see_other(return_to)
    before = {one.kind for one in await policies.agreements(own.account.id) if one.withdrawn_at is None}
    return own.show(
        "login/agree.html",
        status=200 if problem is None else problem.status,
        form_action=client_origin(return_to),
        documents=[
            {
                "kind": one.kind.value,
                "title": one.title,
                "version": one.version,
                "link": LINKS[one.kind],
                "renewed": one.kind in before,
            }
            for one in missing
        ],
        renewed=all(one.kind in before for one in missing),
        return_to=return_to,
        message="" if problem is None else problem.detail,
    )


@router.get(AGREE_PAGE)
async def agree_page(
    own: OpenOwn,
    policies: PolicyService,
    return_to: Annotated[str, Query(max_length=8000)] = HOME_PAGE,
) -> Response:
    """Show what the person has to agree to before going on, and what happens otherwise."""
    return await _show(own, policies, checked_return(return_to))


@router.post(AGREE_PAGE)
async def agree(
    form: OpenOwnForm,
    policies: PolicyService,
    return_to: ReturnTo,
    agreed: Annotated[str, Form(max_length=10)] = "",
    privacy_policy: Version = "",
    terms: Version = "",
) -> Response:
    """Agree to the versions that the page showed, and go on."""
    checked_return(return_to)
    seen = {PolicyKind.PRIVACY_POLICY: privacy_policy, PolicyKind.TERMS: terms}
    try:
        if agreed != "yes":
            raise TermsNotAccepted
        for one in await policies.missing(form.account.id):
            await policies.agree(form.account.id, one.kind, seen[one.kind])
    except Problem as problem:
        return await _show(form, policies, return_to, problem)
    return see_other(return_to)
