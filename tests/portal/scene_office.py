"""Notices, answers, contacts and help, as 济南市 sees them."""

from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4

from contracts.vocabulary import Role
from testkit.waiting import moments

from .conftest import Visitor
from .scene_people import CENTRE, CITY, COUNTIES, PROVINCE, Cast, call

OFFICE = "/api/office/v1"
FIELDS: list[dict[str, Any]] = [
    {"key": "students", "label": "受助学生人数", "type": "number", "required": True, "unit": "人"},
    {
        "key": "amount",
        "label": "已发放金额",
        "type": "number",
        "required": True,
        "unit": "万元",
        "decimals": 2,
    },
    {"key": "way", "label": "发放方式", "type": "choice", "options": ["银行卡", "社会保障卡", "校园卡"]},
    {"key": "note", "label": "存在的问题", "type": "text", "multiline": True, "max_length": 500},
    {
        "key": "staff",
        "label": "经办人员",
        "type": "table",
        "columns": [
            {"key": "name", "label": "姓名", "type": "text", "required": True},
            {"key": "post", "label": "职务", "type": "text"},
        ],
    },
]
ANSWERS = (
    (2846, "358.65", "银行卡", "个别学校报送的银行卡号有误，已退回更正。", "张文静"),
    (3127, "401.20", "社会保障卡", "", "李志远"),
    (1954, "243.38", "银行卡", "两名学生转学，资金待转入学校发放。", "王春玲"),
    (2210, "276.90", "校园卡", "", "赵海峰"),
)
"""Of the first counties."""
BODY = (
    "<p>为做好春季学期学生资助工作，确保资助资金及时、足额发放到位，现就有关事项通知如下：</p>"
    "<p><strong>一、准确认定资助对象。</strong>各单位要依据民政、农业农村、残联等部门的数据，"
    "逐一核对家庭经济困难学生名单，做到应助尽助。</p>"
    "<p><strong>二、按时发放资助资金。</strong>资助资金应于6月20日前发放完毕，不得截留、挤占、挪用。</p>"
    "<p><strong>三、加强监督检查。</strong>各单位要安排专人负责，发现问题及时整改，并如实报告。</p>"
)
ARTICLES = (
    (
        "如何签收通知",
        "通知",
        "<p>打开“通知公告”，选择通知，阅读正文后点击“签收”。</p><p>逾期签收的，系统注明“逾期”。</p>",
    ),
    ("如何转发上级通知", "通知", "<p>打开收到的通知，点击“转发”。可以提前截止时间，不能推后。</p>"),
    ("如何建立通讯录分组", "通讯录", "<p>打开“通讯录”，点击“分组”，再点击“新建分组”。</p>"),
    ("如何申请数据驾驶舱", "数据驾驶舱", "<p>在“我的账号”中提出申请，由上级单位审核。</p>"),
)


def in_days(days: int) -> str:
    """The end of work on a day from now."""
    return (datetime.now(UTC) + timedelta(days=days)).replace(hour=9, minute=0, second=0).isoformat()


async def post(person: Visitor, path: str, **body: Any) -> Any:
    """Do something with a notice, once."""
    headers = {"idempotency-key": str(uuid4())}
    return await call(person, "POST", f"{OFFICE}/notices/{path}", json=body, headers=headers)


async def replace(person: Visitor, path: str, body: Any, *, method: str = "PUT", at: str = "") -> None:
    """Change what is at a path as it was seen there."""
    seen = await person.call("GET", f"{OFFICE}/{path}")
    headers = {"if-match": seen.headers["etag"]}
    await call(person, method, f"{OFFICE}/{path}{at}", json=body, headers=headers)


async def draft(person: Visitor, title: str, *, form: bool = False, **more: Any) -> str:
    """A draft to the units directly below; its id."""
    content = {"title": title, "body": BODY, "recipients": {"reach": "children"}, **more}
    made = await call(person, "POST", f"{OFFICE}/notices", json=content)
    if form:
        await call(person, "PUT", f"{OFFICE}/notices/{made['id']}/form", json={"fields": FIELDS})
    return str(made["id"])


async def published(person: Visitor, title: str, *, form: bool = False, **more: Any) -> str:
    """A notice that has been issued; its id."""
    notice = await draft(person, title, form=form, **more)
    await post(person, f"{notice}/publish")
    return notice


async def replicated(city: Visitor) -> None:
    """Wait until Office has learnt of the units and people."""
    own = (await call(city, "GET", "/api/identity/v1/me"))["unit_id"]
    async for _ in moments(pause=0.2):
        answer = await city.call("GET", f"{OFFICE}/contacts/units/{own}/children")
        if answer.is_success and len(answer.json()["items"]) >= len(COUNTIES):
            return
    raise AssertionError("Office has not copied the units")


async def received(cast: Cast) -> dict[str, str]:
    """Notices from above: one to sign for, one that is signed for and has a form, one passed on."""
    centre, province, city = [await cast.of(code) for code in (CENTRE, PROVINCE, CITY)]
    for person, prefix in ((centre, "教助中心"), (province, "鲁教助"), (city, "济教助")):
        await call(person, "POST", f"{OFFICE}/number-series", json={"prefix": prefix, "preferred": True})
    letter = {"prefix": "济教助函", "letterhead": "济南市学生资助管理中心便函"}
    await call(city, "POST", f"{OFFICE}/number-series", json=letter)
    training = await draft(
        await cast.of(CENTRE, Role.HANDLER),
        "关于举办全国学生资助业务培训的通知",
        deadline=in_days(12),
        salutation="各省级学生资助管理部门",
    )
    await post(await cast.of(CENTRE, Role.HANDLER), f"{training}/submit")
    await post(await cast.of(CENTRE, Role.REVIEWER), f"{training}/approve", opinion="同意")
    await post(centre, f"{training}/publish")
    await post(province, f"{training}/sign")
    await post(province, f"{training}/forward", cover_text="请各市组织经办人员参加。")
    notice = await published(
        province,
        "关于做好春季学期学生资助资金发放工作的通知",
        deadline=in_days(5),
        urgency="urgent",
        salutation="各市学生资助管理中心",
        copies="省财政厅教科文处",
        printing_office="山东省学生资助管理中心办公室",
    )
    asked = await published(
        province, "关于报送春季学期资助资金发放情况的通知", form=True, deadline=in_days(3), salutation="各市"
    )
    await post(city, f"{asked}/read")
    await post(city, f"{asked}/sign")
    students, amount, way, _, name = ANSWERS[0]
    values = {
        "students": students * 7,
        "amount": amount,
        "way": way,
        "staff": [{"name": name, "post": "科长"}],
    }
    await replace(city, f"notices/{asked}/answer", {"values": values})
    signed = await published(province, "关于开展学生资助政策宣传月活动的通知", kind="circular")
    await post(city, f"{signed}/read")
    await post(city, f"{signed}/sign")
    await post(city, f"{signed}/forward")
    handler = (await cast.me(await cast.of(CITY, Role.HANDLER)))["sub"]
    await post(city, f"{notice}/assignments", owner=handler, note="请拟定落实方案，周五前报我。")
    return {"/notices/:id": notice, "/notices/:id/answer": asked}


async def sent(cast: Cast) -> dict[str, str]:
    """Notices of the city: one that is answered, one in review, drafts."""
    city, handler = await cast.of(CITY), await cast.of(CITY, Role.HANDLER)
    title = "关于报送春季学期资助人数的通知"
    collected = await published(
        city,
        title,
        form=True,
        deadline=in_days(4),
        salutation="各区县学生资助管理中心",
        remark="此件公开发布",
    )
    for number, code in enumerate(COUNTIES[:-1]):
        county = await cast.of(code)
        await post(county, f"{collected}/read")
        await post(county, f"{collected}/sign")
        if number < 2:
            await post(county, f"{collected}/forward")
        if number < len(ANSWERS):
            students, amount, way, note, name = ANSWERS[number]
            values = {"students": students, "amount": amount, "way": way, "staff": [{"name": name}]}
            filled = {**values, "note": note} if note else values
            path = f"notices/{collected}/answer"
            await replace(county, path, {"values": filled}, method="POST", at="/submit")
    await post(
        await cast.of(COUNTIES[-1]), f"{collected}/returns", reason="正文与附件的报送时间不一致，请核对。"
    )
    await post(city, f"{collected}/reminders", sms=False)
    await published(city, "关于核对高校新生资助信息的通知", deadline=in_days(9), urgency="urgent")
    await draft(city, "关于报送秋季学期资助预算的通知", deadline=in_days(20))
    edited = await draft(
        city,
        "关于开展学生资助档案检查的通知",
        form=True,
        deadline=in_days(15),
        salutation="各区县学生资助管理中心",
        remark="联系人：于老师",
    )
    reviewed = await draft(handler, "关于召开全市学生资助工作会议的通知", deadline=in_days(6))
    await post(handler, f"{reviewed}/submit")
    return {
        "/notices/:id/answers": collected,
        "/notices/:id/coverage": collected,
        "/notices/outbox/:id": collected,
        "/notices/outbox/:id/edit": edited,
        "/notices/outbox/:id/form": edited,
    }


async def templates(cast: Cast) -> dict[str, str]:
    """Templates of the city, and one that the province offers."""
    city = await cast.of(CITY)
    base = {"kind": "notice", "body": BODY, "salutation": "各区县学生资助管理中心", "hints": {}}
    await call(
        await cast.of(PROVINCE),
        "POST",
        f"{OFFICE}/notice-templates",
        json={**base, "name": "资金发放通知", "title": "关于发放学生资助资金的通知", "offered": True},
    )
    named = (("信息报送通知", "关于报送学生资助信息的通知"), ("会议通知", "关于召开学生资助工作会议的通知"))
    found = [
        await call(
            city,
            "POST",
            f"{OFFICE}/notice-templates",
            json={**base, "name": name, "title": title, "offered": True},
        )
        for name, title in named
    ]
    return {"/notices/outbox/templates/:id": found[0]["id"]}


async def contacts(cast: Cast) -> dict[str, str]:
    """Groups and favourites of the city."""
    city = await cast.of(CITY)
    own = (await cast.me(city))["unit_id"]
    units = (await call(city, "GET", f"{OFFICE}/contacts/units/{own}/children"))["items"]
    people = (await call(city, "GET", f"{OFFICE}/contacts/units/{own}/people"))["items"]
    members = [{"unit_id": one["id"]} for one in units[:4]]
    wanted = {"城区片": [*members, {"unit_id": own, "sub": people[0]["sub"]}], "重点督办": members[1:3]}
    groups = [
        await call(city, "POST", f"{OFFICE}/contact-groups", json={"name": name, "members": found})
        for name, found in wanted.items()
    ]
    for member in members[:2]:
        await call(city, "POST", f"{OFFICE}/contact-favourites", json=member)
    return {
        "/contacts": people[0]["sub"],
        "/contacts/groups/:id": groups[0]["id"],
        "/contacts/units/:id": own,
    }


async def help_(cast: Cast) -> dict[str, str]:
    """Articles by the centre; the first has been changed."""
    centre = await cast.of(CENTRE)
    made = [
        await call(
            centre,
            "POST",
            f"{OFFICE}/help-articles",
            json={"title": title, "category": category, "body": body},
        )
        for title, category, body in ARTICLES
    ]
    title, category, body = ARTICLES[0]
    for more in ("<p>签收后可以填写答复、转发或交办。</p>", "<p>签收后可以填写答复、转发、交办或退回。</p>"):
        changed = {"title": title, "category": category, "body": body + more}
        await replace(centre, f"help-articles/{made[0]['id']}", changed)
    return dict.fromkeys(("/help/:id", "/help/:id/edit", "/help/:id/versions"), made[0]["id"])


async def prepare(cast: Cast) -> dict[str, str]:
    """Do all of it; return whose page each route with an id shows."""
    await replicated(await cast.of(CITY))
    found: dict[str, str] = {}
    for scene in (received, sent, templates, contacts, help_):
        found |= await scene(cast)
    return found
