"""Kinds of changes of roles; no other service knows them."""

from contracts.vocabulary import Vocabulary


class RoleChangeKind(Vocabulary):
    """What a change does with a role."""

    CREATE = "create", "新增"
    CHANGE = "change", "调整"
    RETIRE = "retire", "停用"
