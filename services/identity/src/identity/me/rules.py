"""Texts about the caller's own record. Pure."""

from identity.accounts.rules import mask_name


def corrected_text(former: str, name: str) -> str:
    """Return the message to administrators when somebody has corrected their name, which is not verified."""
    return (
        f"【学生资助】您管理的单位有人员（原名 {mask_name(former)}）将姓名更正为 {name}，尚未实名核验。"
        "请登录工作门户，在“人员管理”中核对；有疑问的，请联系本人。"
    )
