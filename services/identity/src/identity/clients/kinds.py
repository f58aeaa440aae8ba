"""The vocabulary of client metadata (RFC 7591 §2, RFC 7518 §3.1)."""

from contracts.vocabulary import Vocabulary


class ApplicationType(Vocabulary):
    """Where a client runs."""

    WEB = "web", "网站"
    NATIVE = "native", "本机应用"


class ClientAuthentication(Vocabulary):
    """How a client authenticates at the token endpoint."""

    NONE = "none", "不认证（公开客户端）"
    CLIENT_SECRET_BASIC = "client_secret_basic", "密钥，以 HTTP Basic 提交"
    CLIENT_SECRET_POST = "client_secret_post", "密钥，在请求正文中提交"
    PRIVATE_KEY_JWT = "private_key_jwt", "私钥签名的 JWT"


class DisabledBy(Vocabulary):
    """Who disabled a client, which decides who may enable it."""

    CENTRE = "centre", "全国中心"
    UNIT = "unit", "登记单位或其上级单位"
    CLOSING = "closing", "随所属单位撤销"


class SigningAlgorithm(Vocabulary):
    """How tokens for a client are signed."""

    ES256 = "ES256", "椭圆曲线签名（P-256、SHA-256）"
    RS256 = "RS256", "RSA 签名（SHA-256）"
