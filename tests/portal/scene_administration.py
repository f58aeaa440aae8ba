"""What the administrator of 济南市 and those of the platform have to do with units, people and clients."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from uuid import UUID, uuid4

from contracts.vocabulary import PlatformRole, ProposalStatus, Role
from identity.appointments.models import PlatformProposal
from identity.audit_review.jobs import seal_due
from identity.unit_imports.rules import HEADINGS
from servicekit.ids import new_id
from services.identity.tests.support.phones import id_number, sought
from testkit.clock import FrozenClock
from testkit.waiting import moments

from .conftest import Visitor
from .scene_people import CITY, COUNTIES, PLATFORM, Cast, call, until
from .support import phone_of

IDENTITY = "/api/identity/v1"
NEWCOMERS = (
    ("13812345601", "赵文静", "handler", "科员", "新考录人员，已报到。"),
    ("13812345602", "孙建国", "handler", "主任科员", "由市教育局调入。"),
    ("13812345603", "周雨桐", "reviewer", "副科长", "负责资金审核。"),
)
LEAVER = ("13812345604", "李思源")
FOUND = "13912345605"
"""The new number of somebody who has lost the old one."""
REASONS = ("负责本区县资助数据的报送和核对，需查看驾驶舱。", "编写年度资助工作报告，需查看本区县指标。")
ADDRESSES = (
    "济南市历下区解放东路99号",
    "济南市市中区建设路85号",
    "济南市槐荫区经十路29851号",
    "济南市天桥区堤口路53号",
    "济南市历城区山大北路47号",
    "济南市长清区清河街1268号",
)
SCHOOLS = (
    ("S3701029101", "370102", "济南市历下区燕山小学", "燕山小学", "义务教育", "0531-86012301"),
    ("S3701029102", "370102", "济南市历下区龙奥中学", "龙奥中学", "义务教育", "0531-86012302"),
    ("S3701039101", "370103", "济南市市中区舜耕小学", "舜耕小学", "义务教育", "0531-86012303"),
    ("S3701049101", "370104", "济南市槐荫区匡山中学", "匡山中学", "义务教育、普通高中", "0531-86012304"),
)
WRONG = (
    ("S3701029101", "370199", "济南市高新区凤凰小学", "凤凰小学", "义务教育", "0531-86012305"),
    ("S37", "370102", "济南市历下区友谊小学", "友谊小学", "小学", "8601"),
)
INVITED = (
    ("13612345601", "郑海燕", "经办人", "科员"),
    ("13612345602", "马明瑶", "经办人、审核人", "副科长"),
    ("13612345603", "高志强", "经办人", ""),
    ("010-66097980", "林", "局长", "科员"),
)
CLIENTS = (
    ("济南市学生资助信息平台", "xszz"),
    ("济南市教育政务服务网", "zwfw"),
    ("济南市国家助学贷款受理系统", "loan"),
)


def csv_of(headings: Sequence[str], rows: Sequence[Sequence[str]]) -> bytes:
    """A table as a file."""
    return "\n".join(",".join(row) for row in (headings, *rows)).encode("utf-8-sig")


async def described(city: Visitor) -> None:
    """Counties have a telephone and an address."""
    for number, code in enumerate(COUNTIES):
        unit = await city.call("GET", f"{IDENTITY}/units/by-code/{code}")
        wanted = {
            "duty_phone": f"0531-8601234{number}",
            "address": ADDRESSES[number],
            "reason": "补充联系方式",
        }
        path, seen = f"{IDENTITY}/units/{unit.json()['id']}", {"if-match": unit.headers["etag"]}
        await call(city, "PATCH", path, json=wanted, headers=seen)


async def admitted(cast: Cast, city: Visitor, own: str) -> dict[str, str]:
    """People who ask to join the city's office; one who has joined hands over and leaves."""
    handler = (await cast.me(await cast.of(CITY, Role.HANDLER)))["sub"]
    for phone, name, role, post, note in NEWCOMERS:
        person = await cast.newcomer(phone, name)
        wanted = {"unit_id": own, "roles": [role], "posts": [post], "note": note}
        await call(person, "POST", f"{IDENTITY}/join-requests", json=wanted)
    leaver = await cast.newcomer(*LEAVER)
    wanted = {"unit_id": own, "roles": ["handler"], "posts": ["科员"]}
    asked = await call(leaver, "POST", f"{IDENTITY}/join-requests", json=wanted)
    await call(city, "POST", f"{IDENTITY}/join-requests/{asked['id']}/approve")
    gone = f"{IDENTITY}/units/{own}/members/{(await cast.me(leaver))['sub']}/end"
    await call(city, "POST", gone, json={"reason": "调往市财政局工作", "successor": handler})
    for roles, note in ((["handler"], "各科室经办人员"), (["reviewer"], "分管领导")):
        invite = {"roles": roles, "note": note, "max_uses": 5, "days": 7}
        await call(city, "POST", f"{IDENTITY}/units/{own}/invites", json=invite)
    return {"/administration/people/:sub": handler}


async def requested(cast: Cast) -> None:
    """People of counties ask for the cockpit, and one for the account that the old number opened."""
    for code, reason in zip(COUNTIES[2:], REASONS, strict=False):
        person = await cast.of(code, Role.HANDLER)
        wanted = {"name": "cockpit", "reason": reason}
        await call(person, "POST", f"{IDENTITY}/entitlement-requests", json=wanted)
    lost = await cast.of(COUNTIES[0], Role.HANDLER)
    await call(lost, "POST", f"{IDENTITY}/me/real-name", json={"id_number": id_number(), "consent": True})
    somebody, base = cast.new_visitor(), f"{cast.site.identity_url}/api/v1"
    asked = {"phone": FOUND, "purpose": "recover"}
    sent = (await somebody.send("POST", f"{base}/sms-codes", json=asked)).json()
    found = {
        "phone": FOUND,
        "ticket": sent["ticket"],
        "code": await cast.site.last_code(FOUND),
        "name": (await cast.me(lost))["name"],
        "id_number": id_number(),
        "old_phone": phone_of(COUNTIES[0], Role.HANDLER),
    }
    answer = await somebody.send("POST", f"{base}/phone-recoveries", json=found)
    assert answer.is_success, answer.text
    await sought(cast.site.identity)


async def delegated(cast: Cast, city: Visitor, own: str) -> None:
    """The city's administrator is away for a week."""
    now = datetime.now(UTC)
    wanted = {
        "unit_id": own,
        "to": (await cast.me(await cast.of(CITY, Role.HANDLER)))["sub"],
        "roles": ["approver"],
        "starts_at": now.isoformat(),
        "ends_at": (now + timedelta(days=7)).isoformat(),
        "reason": "赴北京参加全国学生资助业务培训",
    }
    await call(city, "POST", f"{IDENTITY}/me/delegations", json=wanted)


async def imported(city: Visitor, own: str) -> dict[str, str]:
    """One table of schools has been applied, another one has wrong rows; a list of people is invited."""

    def rows(schools: Sequence[tuple[str, ...]]) -> list[list[str]]:
        return [
            [code, parent, name, short, "学校", "学校", stages, parent, phone, "", ""]
            for code, parent, name, short, stages, phone in schools
        ]

    typed = {"content-type": "text/csv"}
    paths = []
    for name, schools in (
        ("2026年新设学校.csv", SCHOOLS[:2]),
        ("2026年秋季学校核对.csv", (*SCHOOLS, *WRONG)),
    ):
        about = {"file_name": name, "reason": "年度学校信息核对", "document_number": "济教函〔2026〕18号"}
        path = f"{IDENTITY}/unit-imports"
        content = csv_of(HEADINGS, rows(schools))
        made = await call(city, "POST", path, params=about, content=content, headers=typed)
        paths.append(f"{path}/{made['id']}")
        await until(city, paths[-1], "checked")
        if len(paths) == 1:
            await call(city, "POST", f"{paths[0]}/apply", json={})
            await until(city, paths[0], "done")
    batches = []
    heading = ("手机号*", "姓名*", "角色*", "职务")
    for name, people in (("区县资助专干名单.csv", INVITED), ("市直学校经办人.csv", INVITED[:2])):
        path = f"{IDENTITY}/invite-batches"
        about = {"unit_id": own, "file_name": name}
        content = csv_of(heading, people)
        made = await call(city, "POST", path, params=about, content=content, headers=typed)
        batches.append(f"{path}/{made['id']}")
        await until(city, batches[-1], "checked")
    await call(city, "POST", f"{batches[0]}/send")
    await until(city, batches[0], "done")
    return {
        "/administration/imports/:id": paths[1].rpartition("/")[2],
        "/administration/invite-batches/:id": batches[0].rpartition("/")[2],
    }


async def registered(city: Visitor, own: str) -> dict[str, str]:
    """Clients of the city."""
    made = []
    for name, host in CLIENTS:
        home = f"https://{host}.jinan.example.cn/"
        client = {
            "client_name": name,
            "client_uri": home,
            "redirect_uris": [f"{home}callback"],
            "post_logout_redirect_uris": [home],
            "contacts": [f"admin@{host}.jinan.example.cn"],
            "owner_unit_id": own,
        }
        made.append(await call(city, "POST", f"{IDENTITY}/clients", json=client))
    return {"/administration/clients/:id": made[0]["client_id"]}


async def audited(cast: Cast) -> None:
    """The log is sealed, and exported; an administrator of the platform is to be replaced."""
    state = cast.site.identity.state
    # A time of the log is sealed when it is long past, and nothing is being written.
    later = FrozenClock(cast.site.clock.now() + timedelta(hours=1))
    async for _ in moments(pause=0.2):
        if await seal_due(state.database, state.key_ring, later):
            break
    security, audit = [
        await cast.by_phone(PLATFORM[role][0])
        for role in (PlatformRole.SECURITY_ADMIN, PlatformRole.AUDIT_ADMIN)
    ]
    now = datetime.now(UTC)
    for days, reason in ((1, "核对当日的授权变更"), (30, "季度安全检查")):
        wanted = {
            "since": (now - timedelta(days=days)).isoformat(),
            "until": now.isoformat(),
            "reason": reason,
        }
        key = {"idempotency-key": str(uuid4())}
        await call(audit, "POST", f"{IDENTITY}/audit/exports", json=wanted, headers=key)
    system = await cast.me(await cast.by_phone(PLATFORM[PlatformRole.SYSTEM_ADMIN][0]))
    # Over the API, this takes a second factor.
    async with state.database.transaction() as session:
        session.add(
            PlatformProposal(
                id=new_id(),
                account_id=UUID(system["sub"]),
                role=None,
                reason="岗位调整，不再承担系统管理工作",
                proposed_by=UUID((await cast.me(security))["sub"]),
                proposed_role=PlatformRole.SECURITY_ADMIN,
                proposed_at=cast.site.clock.now(),
                status=ProposalStatus.PENDING,
            )
        )


async def prepare(cast: Cast) -> dict[str, str]:
    """Do all of it; return whose page each route with an id shows."""
    city = await cast.of(CITY)
    own = str((await cast.me(city))["unit_id"])
    await described(city)
    found = await admitted(cast, city, own)
    await requested(cast)
    await delegated(cast, city, own)
    found |= await imported(city, own)
    found |= await registered(city, own)
    await audited(cast)
    return found
