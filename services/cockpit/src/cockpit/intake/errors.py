"""Errors that refuse a whole file. Invalid rows do not: they go to quarantine."""

from collections.abc import Iterable
from typing import Self
from uuid import UUID

from servicekit.problems import Conflict, FieldError, NotFound, Problem


class BatchNotFound(NotFound):
    """The batch does not exist."""

    code = "batch_not_found"
    title = "批次不存在"
    detail = "没有这个批次。"


class NotPublished(Conflict):
    """The batch holds records about persons, which are not listed."""

    code = "not_published"
    title = "不是公布的数据"
    detail = "只有公布的汇总数据可以逐行查看；明细数据请通过汇总指标查询。"


class WrongColumns(Problem):
    """The heading does not match the feed; `errors` lists missing, unknown and duplicate columns."""

    status = 400
    code = "wrong_columns"
    title = "列不符合要求"
    detail = "文件的列与数据源要求不一致，未接收任何数据。"

    @classmethod
    def of(cls, problems: Iterable[tuple[str, str]]) -> Self:
        """Create from columns and Chinese messages."""
        return cls(errors=[FieldError.at(name, detail=words) for name, words in problems])


class BadEncoding(Problem):
    """The bytes are not valid in the declared charset."""

    status = 400
    code = "bad_encoding"
    title = "文件编码错误"
    detail = "文件不是有效的 UTF-8 编码；如为 GB18030，请在 Content-Type 中注明 charset=gb18030。"


class MixedEncodings(Problem):
    """The files of an archive differ in their encoding: some of it was saved by another program."""

    status = 400
    code = "mixed_encodings"
    title = "文件编码不一致"
    detail = "压缩包内各文件的编码应相同（都是 UTF-8，或都是 GB18030）。"


class MalformedParquet(Problem):
    """The file is not a Parquet file, or one that cannot be read in bounded memory."""

    status = 400
    code = "malformed_parquet"
    title = "不是有效的 Parquet 文件"
    detail = "文件已损坏，或不是有效的 Parquet 文件。"


class UnsupportedMedia(Problem):
    """The media type is none of the accepted ones, or its charset is not."""

    status = 415
    code = "unsupported_media_type"
    title = "不支持的文件类型"
    detail = (
        "接收 CSV（text/csv，UTF-8 或 GB18030）、Excel（.xlsx）、JSON 行（application/x-ndjson）"
        "、Parquet（application/vnd.apache.parquet）和若干 CSV 文件的 ZIP 压缩包（application/zip）。"
    )


class BatchKeyRequired(Problem):
    """A batch id or key is missing; without one, a retried upload would count its money twice."""

    status = 400
    code = "batch_key_required"
    title = "缺少批次标识"
    detail = "请给定 batch_id 或 Idempotency-Key，以免重复上传被重复计算。"


class BatchDuplicate(Conflict):
    """The same file of the same unit already counts, under another batch id."""

    code = "batch_duplicate"
    title = "文件已接收"
    detail = "同一单位的同一文件已作为另一批次接收并生效；如需重新上传，请先撤回该批次。"

    @classmethod
    def of(cls, batch_id: UUID) -> Self:
        """Create with the batch that counts."""
        return cls(f"同一单位的同一文件已作为批次 {batch_id} 接收并生效；如需重新上传，请先撤回该批次。")


class BatchIdReused(Conflict):
    """The batch id or key is already in use for another file."""

    code = "batch_id_reused"
    title = "批次号已被使用"
    detail = "该批次号或 Idempotency-Key 已用于另一个不同的批次。"


class BatchInProgress(Conflict):
    """Another request is receiving the same batch."""

    code = "batch_in_progress"
    title = "批次正在接收"
    detail = "同一批次正在接收，请稍后查询。"


class BatchSuperseded(Conflict):
    """The attempt was marked as interrupted, and another attempt may have replaced it."""

    code = "batch_superseded"
    title = "批次已重新接收"
    detail = "本次接收已中断，同一批次已由另一次请求重新接收。"


class FactsIncomplete(Problem):
    """The store does not hold exactly the facts that were sent; the batch failed."""

    status = 503
    code = "facts_incomplete"
    title = "数据未完整写入"
    detail = "数据未能完整写入，本批次未生效，请稍后重新上传。"
    retry_after = 10


class ReversalIncomplete(Problem):
    """The store does not hold exactly the facts of the reversal; the batch still counts."""

    status = 503
    code = "reversal_incomplete"
    title = "撤回未完整写入"
    detail = "撤回未能完整写入，本批次仍然有效，请稍后重新撤回。"
    retry_after = 10


class RowsUnaccounted(Problem):
    """Accepted and rejected rows are not all rows of the file; the batch failed, as no row may be lost."""

    status = 503
    code = "rows_unaccounted"
    title = "行数不符"
    detail = "已接收与已隔离的行数之和与文件的行数不符，本批次未生效。请稍后重新上传，并告知系统管理员。"
    retry_after = 60


class PersonalNumber(Problem):
    """The name of the source or the key holds a number that identifies a person."""

    status = 400
    code = "personal_number"
    title = "疑似含有个人信息"
    detail = "数据来源或批次标识中疑似含有身份证号、手机号或银行卡号，请改用不能识别个人的文字。"


class BatchNotReversible(Conflict):
    """Only a batch that counts can be reversed."""

    code = "batch_not_reversible"
    title = "批次不能撤回"
    detail = "只有已生效的批次可以撤回。"


class BatchCorrected(Conflict):
    """Another batch, which counts, has changed records of this one; it must be withdrawn first."""

    code = "batch_corrected"
    title = "批次已被更正"
    detail = "本批次的部分记录已被另一批次更正或删除，请先撤回那一批次。"

    @classmethod
    def of(cls, batch_id: UUID) -> Self:
        """Create with the batch to withdraw first."""
        return cls(f"本批次的部分记录已被批次 {batch_id} 更正、删除或重新报送，请先撤回那一批次。")


class ParentNotFound(NotFound):
    """The batch whose rows are sent again is not one of the unit and feed with quarantined rows."""

    code = "parent_not_found"
    title = "原批次不存在"
    detail = "本单位没有这一数据源的、有隔离行的这个批次。"


class EditionsNotCorrected(Problem):
    """Each batch of the feed is an edition of its own: a newer one takes its place."""

    status = 400
    code = "editions_not_corrected"
    title = "不能逐行更正"
    detail = "公布的汇总数据按版本保存，不逐行更正或删除；请上传新的版本，或撤回原批次。"


class RecordsMoved(Exception):
    """Another load has begun to count since the records were compared. Compare again."""


class OthersTurn(Exception):
    """It is another batch's turn to begin to count. Wait for it."""


class RecordsBusy(Problem):
    """Other batches about the same units began to count during every attempt, or had their turn too long."""

    status = 503
    code = "records_busy"
    title = "相同单位的数据正在入库"
    detail = "相同单位的其他批次正在入库，本批次未生效，请稍后重新上传。"
    retry_after = 10
