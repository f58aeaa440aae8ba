"""Errors of the client registry."""

from servicekit.problems import Conflict, Forbidden, NotFound, Problem


class InvalidRedirectUri(Problem):
    """`invalid_redirect_uri` (RFC 7591 §3.2.2)."""

    status = 400
    code = "invalid_redirect_uri"
    title = "回调地址不符合要求"
    detail = "回调地址不符合要求。"


class InvalidClientMetadata(Problem):
    """`invalid_client_metadata` (RFC 7591 §3.2.2)."""

    status = 400
    code = "invalid_client_metadata"
    title = "登记信息不符合要求"
    detail = "登记信息不符合要求。"


def refusal(code: str) -> type[InvalidRedirectUri] | type[InvalidClientMetadata]:
    """Return the error with a code of RFC 7591 §3.2.2."""
    return InvalidRedirectUri if code == InvalidRedirectUri.code else InvalidClientMetadata


class ClientNotFound(NotFound):
    """The client does not exist in the caller's subtree."""

    code = "client_not_found"
    title = "系统不存在"
    detail = "所指定的系统不存在，或您无权查看。"


class SecretNotFound(NotFound):
    """The client has no such active secret."""

    code = "client_secret_not_found"
    title = "密钥不存在"
    detail = "所指定的密钥不存在或已失效。"


class NoSecrets(Conflict):
    """The client does not authenticate with a secret."""

    code = "client_without_secrets"
    title = "该系统不使用密钥"
    detail = "该系统不以密钥认证，没有可更换的密钥。"


class ClientDisabled(Conflict):
    """The client is already disabled, or its owner deleted it."""

    code = "client_disabled"
    title = "系统已停用"
    detail = "该系统已停用。"


class ClientActive(Conflict):
    """The client is not disabled."""

    code = "client_active"
    title = "系统未停用"
    detail = "该系统未停用。"


class DisabledByCentre(Forbidden):
    """The centre disabled the client: only the centre enables it."""

    code = "client_disabled_by_centre"
    title = "系统由全国中心停用"
    detail = "该系统由全国学生资助管理中心停用，只有全国中心可以恢复；需要恢复的，请与全国中心联系。"


class DisabledAbove(Forbidden):
    """A unit above the caller's disabled the client."""

    code = "client_disabled_above"
    title = "系统由上级单位停用"
    detail = "该系统由上级单位停用，只有该单位及其上级单位可以恢复。"


class CentreOnly(Forbidden):
    """Only administrators of the national centre can do this."""

    code = "centre_only"
    title = "仅限全国中心"
    detail = "此操作仅限全国学生资助管理中心的管理员。"


class InitialTokenNotFound(NotFound):
    """The initial access token does not exist."""

    code = "initial_access_token_not_found"
    title = "初始令牌不存在"
    detail = "所指定的初始令牌不存在。"


class NothingProposed(Conflict):
    """No change of the client waits for approval."""

    code = "client_change_not_proposed"
    title = "没有待批准的修改"
    detail = "该系统没有待批准的修改，可能已经处理。"
