"""The main scenario, over HTTP only, a process per service, events over RabbitMQ."""

from typing import Any

import pytest

from onebox.demo import steps
from onebox.demo.figures import step4_cockpit
from onebox.demo.story import Story

pytestmark = pytest.mark.filterwarnings("ignore::authlib.deprecate.AuthlibDeprecationWarning")


# Short-lived, so that the story can wait for a token to expire.
@pytest.mark.long
@pytest.mark.parametrize("running", [30], indirect=True)
async def test_main_job(running: Any) -> None:
    story = Story(running.system)

    joined = await steps.step1_join(story)
    assert set(joined["审核前"].values()) == {"membership_required"}
    assert joined["邻县审核"] == "out_of_reach"

    signed_in = await steps.step2_sign_in(story)
    assert signed_in["ID 令牌"]["aud"] == "portal"

    notice = await steps.step3_notice(story)
    assert notice["逐级送达"] == [6, 60, 265, 464, 221]
    assert notice["覆盖"] == "1,013/1,016"
    assert len(notice["未签收"]) == 3
    assert notice["阻断单位"] == ["槐荫区学生资助管理中心"]

    figures = await step4_cockpit(story, wait_for_expiry=True)
    assert figures["2017 年全国"]["政府资助"] == "1,210.6 亿元"
    assert len(figures["2017 年全国"]["学段"]) == 5
    refused = figures["拒绝"]
    assert refused["过期令牌"] == "401 token_expired"
    assert refused["学校用户"] == "403 level_not_admitted"
    assert refused["营养改善计划部门"] == "403 kind_not_admitted"
    assert refused["未授权的县级用户"] == "403 entitlement_required"
    for name in (
        "alg none",
        "HS256，公钥 PEM",
        "HS256，公钥 DER",
        "HS256，公钥 JWK",
        "其他签发者的密钥和名称",
        "其他受众",
    ):
        assert refused[name] == "401 invalid_token"

    await steps.step5_suspend(story)
