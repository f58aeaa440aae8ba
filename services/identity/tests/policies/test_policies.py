"""Privacy policy and terms in versions, and who has agreed to them."""

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
from services.identity.tests.support.phones import id_number, verify
from services.identity.tests.support.running_identity import NewBrowser
from testkit.clock import FrozenClock
from testkit.postgres import Migration

PHONE = "13812345678"


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

    assert await state() == {"agreed": [], "missing": ["privacy_policy", "terms"]}
    for kind in ("privacy_policy", "terms"):
        document = (await browser.http.get(f"/api/v1/policies/{kind}")).json()
        fields = {"kind": kind, "version": document["version"]}
        for _ in range(2):
            answer = await browser.http.post("/api/v1/me/agreements", headers=headers, json=fields)
            assert answer.status_code == 200, answer.text
    assert (await state())["missing"] == []
    newer = Document(PolicyKind.TERMS, "2.0", "# 使用条款\n")
    app.state.policies = app.state.policies | {PolicyKind.TERMS: newer}
    await publish(app.state.database, clock, app.state.policies)
    assert (await state())["missing"] == ["terms"]
    old = {"kind": "terms", "version": "1.0"}
    refused = await browser.http.post("/api/v1/me/agreements", headers=headers, json=old)
    assert (refused.status_code, refused.json()["code"]) == (409, "policy_outdated")


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
        rows = (await session.execute(text("SELECT kind, version FROM agreements"))).all()
    assert [tuple(row) for row in rows] == [("id_number", "1.0")]
