"""The metrics of 资助概览, 困难学生 and 资助学生."""

from cockpit.cells.dimensions import Dimension
from cockpit.metrics.catalogue import Metric, MetricName, Module
from cockpit.metrics.expressions import Both, Earlier, Less, Ratio, Several
from cockpit.metrics.figures import Unit
from cockpit.metrics.shared import (
    AMOUNT,
    AWARDS,
    DUE,
    ENROLLED,
    ENROLMENT,
    LISTED,
    PAID,
    PAYMENTS,
    PERSONS,
    RECOGNISED,
    TIMES,
)

_STAYED = Both(RECOGNISED, RECOGNISED, back=1)
_AIDED = Both(RECOGNISED, PERSONS)


_OVERVIEW = (
    Metric(
        MetricName.AID_AMOUNT,
        Module.OVERVIEW,
        "资助记录的金额之和。",
        "sum(金额)",
        Unit.YUAN,
        AWARDS,
        additive=True,
        expression=AMOUNT,
    ),
    Metric(
        MetricName.AID_PERSON_TIMES,
        Module.OVERVIEW,
        "资助记录的笔数，一名学生获多笔资助的计多次。",
        "count(资助记录)",
        Unit.TIMES,
        AWARDS,
        additive=True,
        expression=TIMES,
    ),
    Metric(
        MetricName.AID_PERSONS,
        Module.OVERVIEW,
        "获得资助的学生人数，一名学生只计一次。",
        "count(distinct 人员标识)，精确去重",
        Unit.PERSONS,
        AWARDS,
        additive=False,
        expression=PERSONS,
    ),
    Metric(
        MetricName.ENROLLED_PERSONS,
        Module.OVERVIEW,
        "学年内有学籍记录的学生人数。",
        "count(distinct 在籍学生的人员标识)，精确去重",
        Unit.PERSONS,
        ENROLMENT,
        additive=False,
        expression=ENROLLED,
    ),
    Metric(
        MetricName.COVERAGE,
        Module.OVERVIEW,
        "获得资助的学生占在校生的比例。",
        "资助人数 ÷ 在校生数 × 100",
        Unit.PERCENT,
        f"{AWARDS}。{ENROLMENT}。仅按学年",
        additive=False,
        expression=Ratio(PERSONS, ENROLLED, percent=True),
    ),
    Metric(
        MetricName.PAYMENT_PROGRESS,
        Module.OVERVIEW,
        "已发放的资金占应发资金的比例。",
        "发放金额 ÷ 应发金额 × 100",
        Unit.PERCENT,
        f"{PAYMENTS}；应发含已发放、退回和尚未发放的",
        additive=False,
        expression=Ratio(PAID, DUE, percent=True),
    ),
)

_HARDSHIP = (
    Metric(
        MetricName.RECOGNISED_PERSONS,
        Module.HARDSHIP,
        "认定为家庭经济困难的学生人数；按困难类型、等级、名单来源查询时，一名学生可在多类中。",
        "count(distinct 困难学生的人员标识)，精确去重",
        Unit.PERSONS,
        LISTED,
        additive=False,
        expression=RECOGNISED,
    ),
    Metric(
        MetricName.RECOGNITION_RATE,
        Module.HARDSHIP,
        "困难学生占在校生的比例。",
        "认定人数 ÷ 在校生数 × 100",
        Unit.PERCENT,
        f"{LISTED}。{ENROLMENT}",
        additive=False,
        expression=Ratio(RECOGNISED, ENROLLED, percent=True),
    ),
    Metric(
        MetricName.NEWLY_RECOGNISED,
        Module.HARDSHIP,
        "本学年认定、上学年未认定的学生人数。",
        "认定人数 − 本学年与上学年都认定的人数",
        Unit.PERSONS,
        f"{LISTED}；与同一单位的上学年比较，上学年没有名单的无值",
        additive=False,
        expression=Less(RECOGNISED, (_STAYED,), given=Earlier(RECOGNISED)),
    ),
    Metric(
        MetricName.NO_LONGER_RECOGNISED,
        Module.HARDSHIP,
        "上学年认定、本学年未认定的学生人数，含毕业和转出的。",
        "上学年认定人数 − 本学年与上学年都认定的人数",
        Unit.PERSONS,
        f"{LISTED}；本学年没有名单的无值",
        additive=False,
        expression=Less(Earlier(RECOGNISED), (_STAYED,), given=RECOGNISED),
    ),
    Metric(
        MetricName.RECOGNISED_AND_AIDED,
        Module.HARDSHIP,
        "困难学生中，同一学年在本辖区获得资助的人数。",
        "count(distinct 困难学生 ∩ 资助学生)",
        Unit.PERSONS,
        f"{LISTED}。{AWARDS}",
        additive=False,
        expression=_AIDED,
    ),
    Metric(
        MetricName.RECOGNISED_NOT_AIDED,
        Module.HARDSHIP,
        "困难学生中，同一学年在本辖区没有任何资助的人数。",
        "认定人数 − 应助已助人数",
        Unit.PERSONS,
        f"{LISTED}。{AWARDS}",
        additive=False,
        expression=Less(RECOGNISED, (_AIDED,), given=RECOGNISED),
    ),
    Metric(
        MetricName.FULL_AID_RATE,
        Module.HARDSHIP,
        "困难学生中获得资助的比例。",
        "应助已助人数 ÷ 认定人数 × 100",
        Unit.PERCENT,
        f"{LISTED}。{AWARDS}",
        additive=False,
        expression=Ratio(_AIDED, RECOGNISED, percent=True),
    ),
)

_STUDENTS = (
    Metric(
        MetricName.AID_PER_PERSON,
        Module.STUDENTS,
        "每名受助学生的平均资助金额。",
        "资助金额 ÷ 资助人数",
        Unit.YUAN_PER_PERSON,
        AWARDS,
        additive=False,
        expression=Ratio(AMOUNT, PERSONS),
    ),
    Metric(
        MetricName.AID_PER_TIME,
        Module.STUDENTS,
        "每笔资助的平均金额。",
        "资助金额 ÷ 资助人次",
        Unit.YUAN_PER_TIME,
        AWARDS,
        additive=False,
        expression=Ratio(AMOUNT, TIMES),
    ),
    Metric(
        MetricName.TIMES_PER_PERSON,
        Module.STUDENTS,
        "每名受助学生的平均资助笔数。",
        "资助人次 ÷ 资助人数",
        Unit.TIMES_PER_PERSON,
        AWARDS,
        additive=False,
        expression=Ratio(TIMES, PERSONS),
    ),
)

_MULTIPLE = tuple(
    Metric(
        name,
        Module.STUDENTS,
        f"同一时期在本辖区获得{words}不同资助项目资助的学生人数；同一项目发放多次的计一项。",
        f"count(distinct 人员标识)，其资助项目数{condition}，精确去重",
        Unit.PERSONS,
        f"{AWARDS}。三项相加即资助人数；只显示本级的，县级可看各下级的",
        additive=False,
        expression=Several(PERSONS, Dimension.PROGRAMME, number),
    )
    for name, number, words, condition in (
        (MetricName.AIDED_BY_ONE, 1, "一个", " = 1"),
        (MetricName.AIDED_BY_TWO, 2, "两个", " = 2"),
        (MetricName.AIDED_BY_MORE, 3, "三个及以上", " ≥ 3"),
    )
)


AID = (*_OVERVIEW, *_HARDSHIP, *_STUDENTS, *_MULTIPLE)
