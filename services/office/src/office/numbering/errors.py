"""Errors of requests about document numbers."""

from servicekit.problems import Conflict, Problem


class NoSeries(Conflict):
    """The unit has no number series, so nothing can be issued."""

    code = "number_series_missing"
    title = "尚未设置机关代字"
    detail = "本单位还没有设置机关代字，请由签发人或单位管理员先在“文号设置”中设置。"


class UnknownPrefix(Problem):
    """The unit has no usable series with the prefix."""

    status = 400
    code = "number_prefix_unknown"
    title = "机关代字无效"
    detail = "本单位没有使用该机关代字，请从本单位的机关代字中选择。"


class PrefixTaken(Conflict):
    """The unit has a series with this prefix."""

    code = "number_prefix_taken"
    title = "机关代字已存在"
    detail = "本单位已设置该机关代字。"


class NumbersIssued(Conflict):
    """A first number can only be set while the year has none: otherwise there would be a gap or a double."""

    code = "numbers_already_issued"
    title = "该年度已有发文"
    detail = "该机关代字在该年度已编过文号，不能再改起始号，否则会出现跳号或重号。"


class NumbersExhausted(Conflict):
    """A year has at most 99,999 numbers of one prefix."""

    code = "numbers_exhausted"
    title = "文号已用完"
    detail = "该机关代字本年度的文号已用完。"


class TooManyNumbers(Problem):
    """The export has more rows than a workbook may have."""

    status = 400
    code = "too_many_numbers"
    title = "导出的内容过多"
    detail = "一次最多导出 20,000 条，请按机关代字或起止号缩小范围。"
