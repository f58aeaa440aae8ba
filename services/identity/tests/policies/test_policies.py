"""Privacy policy and terms in versions, and who has agreed to them."""

from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from fastapi import FastAPI
from sqlalchemy import text

from contracts.vocabulary import PolicyKind
from identity.policies.dependencies import publish
from identity.policies.documents import load
from identity.policies.rules import Document, missing, newest
from identity.policies.service import DocumentChanged
from services.identity.tests.support.people import forget_codes
from services.identity.tests.support.phones import id_number, verify
from services.identity.tests.support.running_identity import Browser, NewBrowser, agreed_to
from testkit.clock import FrozenClock
from testkit.pages import csrf_of, forms
from testkit.postgres import Migration
from testkit.waiting import moments

PHONE = "13812345678"


async def new_terms(app: FastAPI, clock: FrozenClock) -> None:
    """The operator starts the service with a new version."""
    app.state.policies[PolicyKind.TERMS] = Document(PolicyKind.TERMS, "2.0", "# 使用条款\n")
    await publish(app.state.database, clock, app.state.policies)


def form_of(page: str, action: str) -> dict[str, str]:
    """The hidden fields of the form with an action."""
    return next(one.hidden for one in forms(page) if one.action == action)


async def refused_at_last(browser: Browser, headers: dict[str, str]) -> None:
    async for _ in moments():
        answer = await browser.http.get("/api/v1/me", headers=headers)
        if answer.status_code == 401:
            break
    assert answer.json()["code"] == "token_revoked"


async def agreements(app: FastAPI) -> list[tuple[str, datetime | None]]:
    """The only person's."""
    statement = (
        "SELECT kind, withdrawn_at FROM agreements WHERE account_id ="
        " (SELECT max(id::text)::uuid FROM accounts) ORDER BY kind"
    )
    async with app.state.database.transaction() as session:
        return [(kind, at) for kind, at in await session.execute(text(statement))]


@pytest.fixture
def prepared(one_line: Migration) -> Migration:
    return one_line


def test_the_packaged_documents_have_a_title_and_say_what_the_law_requires() -> None:
    current = load(None)
    assert set(current) == set(PolicyKind)
    assert {one.title for one in current.values()} == {"隐私政策", "使用条款", "公民身份号码处理告知书"}
    # PIPL article 17: purposes, kinds, retention, rights; article 30: necessity and effects.
    for word in ("目的", "保存多久", "注销", "更正", "导出", "敏感个人信息"):
        assert word in current[PolicyKind.PRIVACY_POLICY].text
    # What outlives an account, why, and for how long (articles 17 and 47).
    for word in ("更正前后的姓名", "第四十七条第二款", "不少于六个月", "期满后整月删除"):
        assert word in current[PolicyKind.PRIVACY_POLICY].text
    for word in ("必要性", "不同意的影响", "处理目的", "保存期限"):
        assert word in current[PolicyKind.ID_NUMBER].text


def test_the_deployment_s_documents_replace_the_packaged_ones(tmp_path: Path) -> None:
    (tmp_path / "terms.0.9.md").write_text("# 本部条款\n", encoding="utf-8")
    (tmp_path / "terms.0.10.md").write_text("# 本部新条款\n", encoding="utf-8")
    current = load(tmp_path)
    assert (current[PolicyKind.TERMS].version, current[PolicyKind.TERMS].title) == ("0.10", "本部新条款")
    assert current[PolicyKind.PRIVACY_POLICY] == load(None)[PolicyKind.PRIVACY_POLICY]
    (tmp_path / "rules.1.md").write_text("# x\n", encoding="utf-8")
    with pytest.raises(ValueError, match="rules"):
        load(tmp_path)


def test_a_new_version_has_to_be_agreed_to_again() -> None:
    first = [Document(kind, "1.9", "x") for kind in PolicyKind]
    second = newest([*first, Document(PolicyKind.TERMS, "1.10", "y")])
    agreed = {(one.kind.value, one.version) for one in first}
    assert [one.kind for one in missing(second, agreed)] == [PolicyKind.TERMS]
    assert {one.kind for one in missing(second, set())} == {PolicyKind.PRIVACY_POLICY, PolicyKind.TERMS}


async def test_a_text_is_not_changed_without_a_new_version(app: FastAPI, clock: FrozenClock) -> None:
    changed = {PolicyKind.TERMS: Document(PolicyKind.TERMS, "1.0", "# 别的条款\n")}
    with pytest.raises(DocumentChanged):
        await publish(app.state.database, clock, changed)
    await publish(app.state.database, clock, app.state.policies)


async def test_a_person_reads_and_agrees_and_is_asked_again_after_a_change(
    app: FastAPI, new_browser: NewBrowser, clock: FrozenClock
) -> None:
    browser = new_browser()
    await browser.register(PHONE)
    headers = await browser.bearer(PHONE)

    async def state() -> Any:
        return (await browser.http.get("/api/v1/me/agreements", headers=headers)).json()

    first = await state()
    assert {one["kind"]: one["version"] for one in first["agreed"]} == agreed_to(app)
    assert first["missing"] == []
    await new_terms(app, clock)
    assert (await state())["missing"] == ["terms"]
    old = {"kind": "terms", "version": "1.0"}
    refused = await browser.http.post("/api/v1/me/agreements", headers=headers, json=old)
    assert (refused.status_code, refused.json()["code"]) == (409, "policy_outdated")
    document = (await browser.http.get("/api/v1/policies/terms")).json()
    fields = {"kind": "terms", "version": document["version"]}
    for _ in range(2):
        answer = await browser.http.post("/api/v1/me/agreements", headers=headers, json=fields)
        assert answer.status_code == 200, answer.text
    assert (await state())["missing"] == []


async def test_nobody_registers_without_agreeing_to_the_current_documents(
    app: FastAPI, new_browser: NewBrowser
) -> None:
    browser = new_browser()
    await browser.ask(PHONE)
    fields = {
        "phone": PHONE,
        "ticket": browser.ticket,
        "code": browser.last_code(PHONE),
        "name": "王小明",
    }
    missing = await browser.http.post("/api/v1/accounts", json=fields)
    assert missing.status_code == 422
    old = await browser.http.post(
        "/api/v1/accounts", json=fields | {"agreed": agreed_to(app) | {"terms": "0.1"}}
    )
    assert (old.status_code, old.json()["code"]) == (409, "policy_outdated")
    # The code was not used up.
    made = await browser.http.post("/api/v1/accounts", json=fields | {"agreed": agreed_to(app)})
    assert made.status_code == 201, made.text
    assert await agreements(app) == [("privacy_policy", None), ("terms", None)]


async def test_after_signing_in_a_person_agrees_to_a_new_version_before_going_on(
    app: FastAPI, new_browser: NewBrowser, clock: FrozenClock
) -> None:
    browser = new_browser()
    await browser.register(PHONE)
    await new_terms(app, clock)
    await forget_codes(app)
    ask = browser.authorize_url(verifier="v" * 43)
    back = (await browser.sign_in(PHONE, ask)).headers["location"]
    to_agree = (await browser.http.get(back)).headers["location"]
    assert to_agree.startswith("/login/agree?return_to=%2Fauthorize")
    page = await browser.http.get(to_agree)
    assert (page.status_code, "《使用条款》" in page.text, "《隐私政策》有" in page.text) == (
        200,
        True,
        False,
    )
    assert "不同意，退出登录" in page.text
    form = form_of(page.text, "/login/agree")
    assert form["terms"] == "2.0"
    unticked = await browser.http.post("/login/agree", data=form)
    assert (unticked.status_code, "请阅读并勾选同意" in unticked.text) == (400, True)
    outdated = await browser.http.post("/login/agree", data=form | {"agreed": "yes", "terms": "1.0"})
    assert (outdated.status_code, "请阅读并确认最新版本" in outdated.text) == (409, True)
    agreed = await browser.http.post("/login/agree", data=form | {"agreed": "yes"})
    assert (agreed.status_code, agreed.headers["location"]) == (303, form["return_to"])
    answer = await browser.http.get(agreed.headers["location"])
    assert "code=" in answer.headers["location"]


async def test_without_agreeing_one_s_rights_and_signing_out_stay_open(
    app: FastAPI, new_browser: NewBrowser, clock: FrozenClock
) -> None:
    browser = new_browser()
    await browser.register(PHONE)
    await browser.bearer(PHONE)
    await new_terms(app, clock)
    for path in ("/account", "/account/units", "/join", "/account/security", "/device"):
        answer = await browser.http.get(path)
        assert answer.headers["location"].startswith("/login/agree?"), path
    silent = await browser.http.get(browser.authorize_url(verifier="v" * 43, prompt="none"))
    assert "error=interaction_required" in silent.headers["location"]
    privacy = await browser.http.get("/account/privacy")
    assert privacy.status_code == 200
    csrf = {"csrf": csrf_of(privacy.text)}
    exported = await browser.http.post("/account/privacy/export", data=csrf)
    assert exported.headers["location"] == "/account/privacy"
    blocked = await browser.http.post("/account/sessions/end-others", data=csrf)
    assert blocked.headers["location"].startswith("/login/agree?")
    signed_out = await browser.http.post("/account/sign-out", data=csrf)
    assert "您已退出登录" in signed_out.text


@pytest.mark.parametrize("by", ["page", "api"])
async def test_an_agreement_is_withdrawn_and_given_again(
    app: FastAPI, new_browser: NewBrowser, clock: FrozenClock, by: str
) -> None:
    browser = new_browser()
    await browser.register(PHONE)
    headers = await browser.bearer(PHONE)
    if by == "api":
        answer = await browser.http.post("/api/v1/me/agreements/withdraw", headers=headers)
        assert answer.status_code == 204
    else:
        asked = await browser.http.get("/account/privacy/withdraw")
        answer = await browser.http.post(
            "/account/privacy/withdraw", data=form_of(asked.text, "/account/privacy/withdraw")
        )
        assert "已撤回同意" in answer.text
    await refused_at_last(browser, headers)
    now = clock.now()
    assert await agreements(app) == [("privacy_policy", now), ("terms", now)]
    await forget_codes(app)
    clock.advance(timedelta(seconds=2))
    back = (await browser.sign_in(PHONE, "/account")).headers["location"]
    to_agree = (await browser.http.get(back)).headers["location"]
    page = await browser.http.get(to_agree)
    assert "使用账号前，请阅读并同意以下文件" in page.text
    form = form_of(page.text, "/login/agree") | {"agreed": "yes"}
    assert (await browser.http.post("/login/agree", data=form)).headers["location"] == "/account"
    assert (await browser.http.get("/account")).status_code == 200
    assert await agreements(app) == [("privacy_policy", None), ("terms", None)]


async def test_an_unknown_document_is_not_found(new_browser: NewBrowser) -> None:
    answer = await new_browser().http.get("/api/v1/policies/secrets")
    assert (answer.status_code, answer.json()["code"]) == (404, "policy_not_found")


async def test_the_separate_consent_to_the_identity_number_is_recorded(
    app: FastAPI, new_browser: NewBrowser
) -> None:
    browser = new_browser()
    await browser.register(PHONE)
    headers = await browser.bearer(PHONE)
    await verify(browser, headers, id_number())
    async with app.state.database.transaction() as session:
        statement = "SELECT version FROM agreements WHERE kind = 'id_number'"
        versions = (await session.scalars(text(statement))).all()
    assert versions == ["1.0"]
