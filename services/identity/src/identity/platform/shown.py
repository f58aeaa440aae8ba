"""The settings that a system administrator of the platform sees; the operator changes them."""

from identity.settings import Settings

Value = int | float | bool | str | None

NAMES = {
    "access_token_seconds": "访问令牌的有效秒数",
    "session_idle_seconds": "登录闲置多少秒后结束",
    "session_absolute_seconds": "登录最长多少秒后结束",
    "device_grant_days": "终端设备保持登录的天数",
    "password_days": "密码的有效天数，0 为长期",
    "sign_in_days": "登录记录的保存天数",
    "sign_in_notices": "在新设备登录后是否发短信",
    "sms_budget_per_number": "每个号码每天的验证码条数",
    "sms_budget_per_number_and_address": "每个号码每天可由一个网络地址获取的验证码条数",
    "sms_budget_per_address": "每个网络地址每小时的验证码条数",
    "sms_budget_total": "全平台每小时的验证码条数",
    "key_rotation_days": "签名密钥的轮换天数，0 为不轮换",
    "client_secret_overlap_hours": "接入系统更换密钥后旧密钥仍可用的小时数",
    "import_limit_bytes": "导入文件的最大字节数",
    "site_organiser": "页脚的主办单位",
    "site_support_phone": "页脚的咨询电话",
    "site_icp_number": "页脚的 ICP 备案号",
    "site_police_number": "页脚的公安备案号",
}
"""Settings without secrets and without addresses of other systems, and what they are."""


def shown(settings: Settings) -> list[tuple[str, str, Value]]:
    """Return the settings as name, description and value; of gateways only whether there is one."""
    plain: list[tuple[str, str, Value]] = [
        (name, words, getattr(settings, name)) for name, words in NAMES.items()
    ]
    return [
        *plain,
        ("sms_gateway", "是否已配置短信网关", settings.sms_gateway_url is not None),
        ("real_name_provider", "是否已配置实名核验服务", settings.real_name_url is not None),
        ("file_scanner", "是否已配置上传文件的病毒扫描", settings.file_scanner_url is not None),
    ]
