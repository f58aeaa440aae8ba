"""The page of a system says in Chinese what it refuses, with the labels of its form."""

import inspect
import re

import pytest

from identity.clients import looks, rules
from identity.clients.errors import InvalidClientMetadata
from identity.integrations.messages import _WHY, LABELS, message_of

SOURCES = "".join(map(inspect.getsource, (rules, looks)))
# Those of fields that the form has, and those of all addresses.
OF_FIELDS = re.findall(rf'BadMetadata\(\s*f?"(?:{"|".join(LABELS)}|{{name}})[: ] ?([^"{{]+)\.', SOURCES)
OF_ADDRESSES = re.findall(r'refuse\("([^"]+)"\)', SOURCES)
# No choice of the form leads there.
ELSEWHERE = {"refresh_token goes with authorization_code or device_code"}


@pytest.mark.parametrize("why", sorted({*OF_FIELDS, *OF_ADDRESSES} - ELSEWHERE))
def test_what_the_rules_refuse_has_words(why: str) -> None:
    said = message_of(InvalidClientMetadata(f"redirect_uris: {why}."))
    assert said.startswith("登记信息不符合要求：“回调地址”")
    assert why not in said


def test_no_words_are_left_over() -> None:
    elsewhere = {"1 to 100 characters", "not a JWK Set in JSON"}
    assert set(_WHY) - elsewhere <= {*OF_FIELDS, *OF_ADDRESSES}


def test_numbers_and_names_are_filled_in() -> None:
    assert message_of(InvalidClientMetadata("contacts: 5 at most.")).endswith("“联系邮箱或电话”最多 5 个。")
    beyond = InvalidClientMetadata("scope: not available to this client: office.")
    assert message_of(beyond).endswith("“范围”中 office 须由全国中心开通。")


def test_other_details_stay() -> None:
    assert message_of(InvalidClientMetadata("请填写停用原因。")) == "请填写停用原因。"
    said = message_of(InvalidClientMetadata("scope: a new rule."))
    assert said == "登记信息不符合要求：“范围”不符合要求（a new rule）。"
