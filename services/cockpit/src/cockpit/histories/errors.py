"""Errors of histories."""

from servicekit.problems import NotFound, Problem


class RecordNotFound(NotFound):
    """No batch within reach has brought the record, or it never counted."""

    code = "record_not_found"
    title = "记录不存在"
    detail = "本单位及下级单位没有接收过这一编号的记录，或其批次从未计入。"


class NoRecordIds(Problem):
    """The records of the feed have no ids of their own."""

    status = 422
    code = "no_record_ids"
    title = "该数据源没有记录编号"
    detail = "只有资助明细、资金发放、资金下达与拨付、国家助学贷款有记录编号。"


class UnitCodeRequired(Problem):
    """Above counties, a record id alone would be looked for in all facts."""

    status = 422
    code = "unit_code_required"
    title = "缺少单位代码"
    detail = "市级及以上单位查询记录的历史，请给定记录所属单位的代码（unit_code）。"
