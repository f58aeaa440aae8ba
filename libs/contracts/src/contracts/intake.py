"""The vocabulary of the intake of figures, in addition to `contracts.vocabulary`."""

from contracts.vocabulary import Vocabulary


class BatchStatus(Vocabulary):
    """How far a batch of facts has come."""

    RECEIVING = "receiving", "接收中"
    COMMITTED = "committed", "已入库"
    REJECTED = "rejected", "全部隔离"
    FAILED = "failed", "未入库"
    REVERSED = "reversed", "已冲正"


class BatchMode(Vocabulary):
    """What the rows of a batch do to the records that count."""

    NEW = "new", "新增"
    CORRECTION = "correction", "更正"
    DELETION = "deletion", "删除"


class BatchFormat(Vocabulary):
    """The format of a file with facts."""

    CSV = "csv", "CSV 文本"
    XLSX = "xlsx", "Excel 工作簿"
    JSONL = "jsonl", "JSON 行"
    PARQUET = "parquet", "Parquet 文件"
    ZIP = "zip", "CSV 文件的压缩包"


class UploadStatus(Vocabulary):
    """How far an upload in parts has come."""

    RECEIVING = "receiving", "接收中"
    LOADING = "loading", "校验入库中"
    DONE = "done", "已完成"
    FAILED = "failed", "未能接收"
    CANCELLED = "cancelled", "已取消"
