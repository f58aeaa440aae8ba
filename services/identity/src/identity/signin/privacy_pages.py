"""Pages of the documents that people agree to, and of the rights to one's data. Work without JavaScript."""

from typing import Annotated
from urllib.parse import urlencode
from uuid import UUID

from fastapi import APIRouter, Form
from fastapi.responses import Response

from contracts.vocabulary import ExportStatus, PolicyKind
from identity.authenticators.rules import FRESH
from identity.dependencies import ServiceSettings
from identity.pages.dependencies import HOME_PAGE, without_session
from identity.pages.own import OpenOwn, OpenOwnForm, OwnPages
from identity.pages.rendering import page, see_other
from identity.policies.dependencies import PolicyService
from identity.policies.rules import REQUIRED
from identity.privacy.dependencies import PrivacyService, WithdrawalService
from identity.privacy.errors import ClosingNotFound
from identity.privacy.service import Privacy
from identity.signin.agreeing import LINKS
from identity.signin.documents import blocks_of
from servicekit.clock import Clock
from servicekit.dependencies import ServiceClock
from servicekit.problems import Problem

router = APIRouter(include_in_schema=False)
PRIVACY_PAGE = f"{HOME_PAGE}/privacy"


def _document(policies: PolicyService, kind: PolicyKind) -> Response:
    document = policies.document(kind)
    return page(
        "document.html", title=document.title, version=document.version, blocks=blocks_of(document.text)
    )


@router.get("/privacy")
async def privacy_policy(policies: PolicyService) -> Response:
    """Show the privacy notice."""
    return _document(policies, PolicyKind.PRIVACY_POLICY)


@router.get("/terms")
async def terms(policies: PolicyService) -> Response:
    """Show the terms of use."""
    return _document(policies, PolicyKind.TERMS)


@router.get("/privacy/id-number")
async def id_number_notice(policies: PolicyService) -> Response:
    """Show the notice about identity numbers."""
    return _document(policies, PolicyKind.ID_NUMBER)


@router.get(PRIVACY_PAGE)
async def own_privacy(
    own: OpenOwn, policies: PolicyService, privacy: PrivacyService, clock: ServiceClock
) -> Response:
    """Show agreements, copies of one's data, and the end of the account."""
    missing = {one.kind for one in await policies.missing(own.account.id)}
    agreed = {
        (one.kind, one.version): one.at
        for one in await policies.agreements(own.account.id)
        if one.withdrawn_at is None
    }
    exports = await privacy.exports(own.account.id)
    try:
        closing = await privacy.closing(own.account.id)
    except ClosingNotFound:
        closing = None
    return own.show(
        "account/privacy.html",
        documents=[
            {
                "kind": kind.value,
                "title": policies.current[kind].title,
                "version": policies.current[kind].version,
                "at": agreed.get((kind, policies.current[kind].version)),
                "missing": kind in missing,
                "link": LINKS[kind],
            }
            for kind in REQUIRED
        ],
        exports=[
            {
                "id": one.id,
                "at": one.requested_at,
                "ready": one.file_sealed is not None,
                "failed": one.status == ExportStatus.FAILED,
            }
            for one in exports
        ],
        closing=closing,
        agreed=not missing,
        fresh=_fresh(own, clock),
    )


@router.post(f"{PRIVACY_PAGE}/agree")
async def agree(
    form: OpenOwnForm,
    policies: PolicyService,
    kind: Annotated[PolicyKind, Form()],
    version: Annotated[str, Form(max_length=20)],
) -> Response:
    """Agree to the version that the page showed."""
    try:
        document = await policies.agree(form.account.id, kind, version)
    except Problem as problem:
        return form.refuse(PRIVACY_PAGE, problem)
    return form.go(PRIVACY_PAGE, f"已同意《{document.title}》。")


@router.get(f"{PRIVACY_PAGE}/withdraw")
async def ask_to_withdraw(own: OpenOwn) -> Response:
    """Ask before withdrawing the agreement."""
    return own.show("account/withdraw.html", here=PRIVACY_PAGE)


@router.post(f"{PRIVACY_PAGE}/withdraw")
async def withdraw(form: OpenOwnForm, withdrawal: WithdrawalService, settings: ServiceSettings) -> Response:
    """Withdraw the agreement; all sessions end, and the next sign-in asks again."""
    await withdrawal.withdraw(form.account.id)
    return without_session(page("account/withdrawn.html"), settings)


@router.post(f"{PRIVACY_PAGE}/export")
async def export(form: OpenOwnForm, privacy: PrivacyService) -> Response:
    """Have a copy of one's data made."""
    try:
        await privacy.request_export(form.account.id)
    except Problem as problem:
        return form.refuse(PRIVACY_PAGE, problem)
    return form.go(PRIVACY_PAGE, "正在生成导出文件，请稍后刷新本页下载。")


@router.post(f"{PRIVACY_PAGE}/download")
async def download(
    form: OpenOwnForm, privacy: PrivacyService, clock: ServiceClock, export_id: Annotated[UUID, Form()]
) -> Response:
    """Return the copy; only after a recent sign-in."""
    if not _fresh(form, clock):
        return _sign_in_again()
    try:
        file = await privacy.download(form.account.id, export_id)
    except Problem as problem:
        return form.refuse(PRIVACY_PAGE, problem)
    headers = {
        "Content-Disposition": 'attachment; filename="personal-data.zip"',
        "Cache-Control": "no-store",
        "X-Content-Type-Options": "nosniff",
    }
    return Response(file, media_type="application/zip", headers=headers)


@router.get(f"{PRIVACY_PAGE}/close")
async def ask_to_close(own: OpenOwn, clock: ServiceClock) -> Response:
    """Ask before closing the account; only after a recent sign-in."""
    return (
        own.show("account/close.html", here=PRIVACY_PAGE, message="")
        if _fresh(own, clock)
        else _sign_in_again()
    )


@router.post(f"{PRIVACY_PAGE}/close")
async def close(form: OpenOwnForm, privacy: PrivacyService, clock: ServiceClock) -> Response:
    """Ask for the end of the account."""
    if not _fresh(form, clock):
        return _sign_in_again()
    return await _close(form, privacy)


@router.post(f"{PRIVACY_PAGE}/keep")
async def keep(form: OpenOwnForm, privacy: PrivacyService) -> Response:
    """Keep the account."""
    try:
        await privacy.cancel_closing(form.account.id)
    except Problem as problem:
        return form.refuse(PRIVACY_PAGE, problem)
    return form.go(PRIVACY_PAGE, "已取消注销，账号可以继续使用。")


async def _close(form: OwnPages, privacy: Privacy) -> Response:
    try:
        await privacy.request_closing(form.account.id)
    except Problem as problem:
        return form.show(
            "account/close.html", here=PRIVACY_PAGE, status=problem.status, message=problem.detail
        )
    return form.go(PRIVACY_PAGE, "已申请注销账号。")


def _fresh(own: OwnPages, clock: Clock) -> bool:
    return clock.now() - own.browser.authenticated_at <= FRESH


def _sign_in_again() -> Response:
    query = urlencode({"return_to": PRIVACY_PAGE})
    return see_other(f"/login?{query}")
