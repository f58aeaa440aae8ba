"""The vocabulary of the intake of figures, in addition to `contracts.vocabulary`."""

from contracts.vocabulary import Vocabulary


class BatchStatus(Vocabulary):
    """How far a batch of facts has come."""

    RECEIVING = "receiving", "接收中"
    COMMITTED = "committed", "已入库"
    REJECTED = "rejected", "全部隔离"
    FAILED = "failed", "未入库"
    REVERSED = "reversed", "已冲正"
