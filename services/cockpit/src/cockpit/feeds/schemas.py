"""API schemas of feeds."""

from typing import Self

from pydantic import BaseModel, Field

from cockpit.feeds.columns import Column
from cockpit.feeds.crosschecks import CHECKS, Severity
from cockpit.feeds.declarations import Feed, FeedName


class ValueOut(BaseModel):
    """A value that a column may have; a file may hold the code or the name."""

    code: str = Field(description="代码", examples=["spring"])
    name: str = Field(description="中文", examples=["春季"])


class ColumnOut(BaseModel):
    """A column of a feed; the heading of a file can use either name."""

    name: str = Field(description="列名", examples=["year"])
    chinese: str = Field(description="中文列名", examples=["年度"])
    required: bool = Field(description="是否必填；选填的列可以整列省略")
    kind: str = Field(description="类型", examples=["年度"])
    rule: str = Field(description="填写规则", examples=["自然年，2000–2099 的四位数字"])
    meaning: str = Field(description="说明；无需说明时为空")
    example: str = Field(description="示例", examples=["2017"])
    values: list[ValueOut] = Field(description="可用的值；不限时为空")

    @classmethod
    def of(cls, column: Column) -> Self:
        """Convert a declared column."""
        kind = column.kind
        return cls(
            name=column.name,
            chinese=column.chinese,
            required=column.required,
            kind=kind.title,
            rule=kind.rule,
            meaning=column.meaning,
            example=column.example,
            values=[ValueOut(code=code, name=name) for code, name in kind.values.items()],
        )


class CheckOut(BaseModel):
    """A rule over several columns of a row."""

    code: str = Field(description="不符时的原因代码", examples=["left_before_entered"])
    rule: str = Field(description="规则", examples=["离校日期不应早于入学日期"])
    columns: list[str] = Field(description="涉及的列", examples=[["left_on", "entered_on"]])


class CrossCheckOut(BaseModel):
    """A rule over the rows of this feed, other feeds and the directory of units."""

    code: str = Field(description="代码", examples=["award_without_enrolment"])
    title: str = Field(description="名称", examples=["受助学生不在籍"])
    rule: str = Field(description="规则")
    severity: Severity = Field(description="不符时隔离，或计入并提示")
    why: str = Field(description="如此处理的理由")
    needs: FeedName | None = Field(description="对照的数据源；只对照单位目录的为空")


class FeedOut(BaseModel):
    """A type of file that intake accepts."""

    name: FeedName
    title: str = Field(description="名称", examples=["已发布的汇总数据"])
    meaning: str = Field(description="说明")
    columns: list[ColumnOut]
    key: list[str] = Field(
        description="标识一条记录的列（同一单位内唯一，跨批次、跨来源）",
        examples=[["unit_code", "record_id"]],
    )
    checks: list[CheckOut] = Field(description="各列之间的规则")
    cross_checks: list[CrossCheckOut] = Field(description="与其他数据源、单位目录之间的规则")
    scope: str | None = Field(description="口径；为空时由每行自带")

    @classmethod
    def of(cls, feed: Feed) -> Self:
        """Convert a declared feed."""
        return cls(
            name=feed.name,
            title=feed.title,
            meaning=feed.meaning,
            columns=[ColumnOut.of(column) for column in feed.columns],
            key=list(feed.key),
            checks=[
                CheckOut(code=check.code, rule=check.reason, columns=list(check.columns))
                for check in feed.checks
            ],
            cross_checks=[
                CrossCheckOut(
                    code=check.code,
                    title=check.title,
                    rule=check.rule,
                    severity=check.severity,
                    why=check.why,
                    needs=check.needs,
                )
                for check in CHECKS.get(feed.name, ())
            ],
            scope=feed.scope,
        )
