"""The vocabulary of pushes."""

from contracts.vocabulary import Vocabulary


class PushAction(Vocabulary):
    """What was done about pushes."""

    GRANTED = "granted", "登记"
    REVOKED = "revoked", "撤销登记"
    PUSHED = "pushed", "推送"
    READ = "read", "查询结果"
    REFUSED = "refused", "被拒绝"
