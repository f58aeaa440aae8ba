"""Notices and 机关代字 for `make run`, so that whoever looks at the portal first finds something to do.

Sent by people of world S over HTTP, as they would be at the portal. What is there already is not sent again.
"""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from onebox.demo.people import Person, System, expect
from onebox.demo.story import CENTRE, CITY, COUNTY, Story
from servicekit.clock import SHANGHAI

PROVINCE = "370000"
AGAIN, NEVER = 1.0, 1e9
_SERIES = {CENTRE: "教助中心", PROVINCE: "鲁教助", CITY: "济教助"}
_FIRST_NUMBER = 11
"""Of the centre, as in `make demo`."""
_REVIEWER = 2
"""Number of the centre's 审核人, without whom nothing is issued there; the units of the plan have none."""


@dataclass(frozen=True)
class Sent:
    """A notice of a unit to those directly below; `onward`: who has signed it and passed it on.

    A `draft` is sent for review only.
    """

    by: str
    title: str
    body: tuple[str, ...]
    days: int
    urgency: str = "normal"
    onward: tuple[str, ...] = ()
    draft: bool = False


PLAN = (
    Sent(
        CENTRE,
        "关于做好秋季学期学生资助工作的通知",
        (
            "为全面落实国家学生资助政策，现就做好秋季学期学生资助工作有关事项通知如下。",
            "各地要完成家庭经济困难学生认定，按时足额发放各项资助资金，做到不漏一校、不漏一人。",
            "请逐级转发至县级学生资助管理部门和学校。",
        ),
        days=10,
        onward=(PROVINCE, CITY),
    ),
    Sent(
        CENTRE,
        "关于核对学生资助系统单位信息的通知",
        ("请各单位核对本单位的名称、值班电话和经办人员，有变动的在系统中更新。",),
        days=3,
        urgency="urgent",
    ),
    Sent(
        PROVINCE,
        "关于报送学生资助工作总结的通知",
        ("请各市于截止日期前报送本年度学生资助工作总结，内容包括政策落实、资金发放和典型经验。",),
        days=14,
    ),
    Sent(
        CITY,
        "关于开展学生资助政策宣传月活动的通知",
        ("各区县和学校要通过家长会、主题班会等形式宣传资助政策，让每一名学生和家长应知尽知。",),
        days=7,
        onward=(COUNTY,),
    ),
    Sent(
        COUNTY,
        "关于做好家庭经济困难学生认定工作的通知",
        ("请各学校按照规定程序组织认定，认定结果按要求公示，注意保护学生隐私。",),
        days=5,
        draft=True,
    ),
)


class Notices:
    """Sends the notices of `PLAN` once; `done` is a file that says so."""

    def __init__(self, system: System, done: Path) -> None:
        self._done = done
        self._story = Story(system)
        self._people: dict[tuple[str, int], Person] = {}

    async def run(self) -> float:
        """Send them if Office has all units. Return in how many seconds to call again."""
        if self._done.exists():
            return NEVER
        known = await self._person(CENTRE).office("GET", "/units", params={"limit": 1})
        if known.status_code != 200 or known.json()["total"]["count"] < len(self._story.units):
            return AGAIN
        for code, prefix in _SERIES.items():
            await self._series(code, prefix)
        for one in PLAN:
            await self._send(one)
        for person in self._people.values():
            await person.http.aclose()
        self._done.touch()
        return NEVER

    def _person(self, unit_code: str, number: int = 0) -> Person:
        """Return somebody of a unit: first its administrator, who also drafts, issues and receives."""
        key = (unit_code, number)
        if key not in self._people:
            self._people[key] = self._story.person(unit_code, number)
        return self._people[key]

    async def _series(self, code: str, prefix: str) -> None:
        made = await self._person(code).office("POST", "/number-series", json={"prefix": prefix})
        if made.status_code == 409:
            return
        path = f"/number-series/{expect(made, 201)['id']}/years/{datetime.now(SHANGHAI).year}"
        if code == CENTRE:
            expect(await self._person(code).office("PUT", path, json={"first": _FIRST_NUMBER}))

    async def _send(self, one: Sent) -> None:
        sender = self._person(one.by)
        notice = await self._drafted(sender, one)
        path, status = f"/notices/{notice['id']}", notice["status"]
        reviewed = one.by == CENTRE
        if status == "draft" and (one.draft or reviewed):
            expect(await sender.office("POST", f"{path}/submit"))
            status = "reviewing"
        if one.draft:
            return
        if status == "reviewing":
            reviewer = self._person(CENTRE, _REVIEWER)
            expect(await reviewer.office("POST", f"{path}/approve", json={"opinion": "同意"}))
        if status in {"draft", "reviewing", "reviewed"}:
            expect(await sender.office("POST", f"{path}/publish"))
        for code in one.onward:
            unit = self._person(code)
            expect(await unit.office("POST", f"{path}/sign"), 200, 201)
            # 409: passed on before an interruption.
            expect(await unit.office("POST", f"{path}/forward", json={}), 200, 201, 409)

    async def _drafted(self, sender: Person, one: Sent) -> Any:
        asked = {"q": one.title, "limit": 1}
        found = expect(await sender.office("GET", "/notices/outbox", params=asked))["items"]
        if found:
            return found[0]
        draft = {
            "title": one.title,
            "body": "".join(f"<p>{paragraph}</p>" for paragraph in one.body),
            "urgency": one.urgency,
            "deadline": (datetime.now(UTC) + timedelta(days=one.days)).isoformat(),
        }
        return expect(await sender.office("POST", "/notices", json=draft), 201)
