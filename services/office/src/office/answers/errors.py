"""Errors of answers."""

from collections.abc import Sequence

from servicekit.problems import Conflict, FieldError, Problem


class AnswerInvalid(Problem):
    """Values do not fit the form, or required ones are missing."""

    status = 400
    code = "answer_invalid"
    title = "答复内容有误"
    detail = "答复内容有误，请按提示修改。"

    @classmethod
    def of(cls, problems: Sequence[tuple[Sequence[str | int], str]]) -> "AnswerInvalid":
        """Name the wrong fields: place below `values` and Chinese text."""
        return cls(errors=[FieldError.at("values", *place, detail=text) for place, text in problems[:100]])


class AnswerClosed(Conflict):
    """The answer cannot be changed any more."""

    code = "answer_closed"
    title = "不能再修改答复"
    detail = "答复期限已过，已提交的答复不能再修改；确需修改的，请联系来文单位退回。"


class CollectionEnded(Conflict):
    """The publisher has ended the collection of answers."""

    code = "collection_ended"
    title = "已停止收集答复"
    detail = "发文单位已停止收集答复，不能再提交或修改。"


class NothingToSubmit(Conflict):
    """There is no draft, and nothing was sent with the request."""

    code = "nothing_to_submit"
    title = "没有可提交的答复"
    detail = "没有填写中的答复，请先填写。"


class NotAnswered(Conflict):
    """The unit has not submitted an answer that could be given back."""

    code = "not_answered"
    title = "该单位尚未提交答复"
    detail = "该单位没有已提交的答复，不能退回修改。"
