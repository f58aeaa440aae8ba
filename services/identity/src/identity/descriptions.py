"""Chinese texts of the OpenAPI document, in addition to those of `servicekit.openapi`."""

from typing import Any

_HTML: dict[str, Any] = {"content": {"text/html": {}}}
PAGES: dict[int | str, dict[str, Any]] = {
    200: {"description": "登录、授权等页面", **_HTML},
    400: {"description": "请求有误，不转回接入系统", **_HTML},
}
"""Pages that the browser may get instead of a redirect."""

_ERROR: dict[str, Any] = {
    "content": {
        "application/json": {
            "schema": {
                "type": "object",
                "required": ["error"],
                "properties": {
                    "error": {"type": "string", "description": "错误代码"},
                    "error_description": {"type": "string", "description": "错误说明"},
                },
            }
        }
    }
}
OAUTH_ERRORS: dict[int | str, dict[str, Any]] = {
    400: {"description": "请求有误（RFC 6749 §5.2）", **_ERROR},
    401: {"description": "客户端或令牌认证失败", **_ERROR},
}
"""Errors in the form of the OAuth specifications."""

DESCRIPTIONS = {
    # audit
    "export_id": "导出的标识",
    # people
    "sub": "人员标识（账号的 sub）",
    "phone": "手机号",
    "phone_masked": "手机号（隐去中间四位）",
    "roles": "在所属单位的角色",
    "entitlements": "获准进入的系统",
    "registered_at": "登记时间",
    "purpose": "验证码的用途",
    "reason": "原因",
    "change_id": "更换手机号申请的标识",
    "posts": "职务",
    "memberships": "所属的全部单位，主要单位在前",
    "AccountOut.name": "姓名",
    "PersonChangedV1.name": "姓名",
    "RegistrationIn.name": "姓名",
    "RegistrationIn.code": "短信验证码",
    "JoinRequestOut.name": "申请人姓名",
    "EntitlementIn.name": "系统的名称",
    # joining
    "invite_id": "邀请码的标识",
    "invite_code": "邀请码",
    "InviteOut.code": "邀请码",
    "request_id": "申请的标识",
    "requested_at": "申请时间",
    "decided_at": "审核时间",
    "unit_name": "单位名称",
    "uses": "已用次数",
    "max_uses": "最多可用次数",
    "expires_at": "失效时间",
    "revoked_at": "撤销时间",
    # units
    "opened_at": "设立时间",
    "closed_at": "撤销时间",
    "placed_at": "隶属于现上级单位的起始时间",
    "former_places": "以往的隶属关系",
    "duty_phone": "值班电话（固定电话或服务号码）",
    "address": "地址",
    "merged_into_id": "并入的单位的标识",
    "effective_on": "生效日期，不填为今天",
    "document_number": "文号",
    "into_id": "并入的单位的标识",
    "child_ids": "划入新单位的直接下级单位的标识",
    "change": "变更类型",
    "changed_at": "登记时间",
    "changed_by": "登记人的标识",
    "related_unit_id": "相关单位的标识：合并、分设的另一方，或原上级单位",
    "import_id": "导入的标识",
    "root_id": "最上一级单位的标识",
    "created_by": "操作人的标识",
    "file_name": "文件名",
    "file_size": "文件大小（字节）",
    "format": "文件格式",
    "problem": "整个文件不能导入的原因",
    "total": "总行数",
    "new": "新增的行数",
    "changed": "变更的行数",
    "unchanged": "无变化的行数",
    "wrong": "有错误的行数",
    "applied": "已导入",
    "refused": "未导入的行数",
    "has_failed_rows": "是否可以下载失败的行",
    "finished_at": "结束时间",
    "progress": "当前步骤的进度",
    "done": "已完成的数量",
    "message": "进度说明",
    "stalled": "是否已停止，须由运维人员处理",
    "number": "文件中的行号",
    "result": "结果",
    "parent_code": "上级单位代码",
    "errors": "全部错误",
    "skip_wrong": "是否跳过有错误的行",
    "has_children": "是否有正常状态的下级单位",
    "more": "是否还有未列出的下级单位",
    "children": "下级单位",
    "units": "单位",
    "valid_from": "起始时间",
    "valid_to": "截止时间",
    # sessions
    "sid": "登录会话的标识",
    "acr": "登录级别（acr）",
    "amr": "登录方式（amr）",
    "authenticated_at": "登录时间",
    "last_seen_at": "最近使用时间",
    "authorization": "`Bearer` 加登记令牌或初始令牌",
    # clients (RFC 7591, OpenID Connect Registration and Logout)
    "client_id": "接入系统的标识",
    "client_name": "接入系统的名称",
    "client_uri": "接入系统的主页",
    "logo_uri": "标志图片的地址",
    "policy_uri": "隐私政策的地址",
    "tos_uri": "服务条款的地址",
    "contacts": "联系人",
    "application_type": "应用类型：web 或 native",
    "audiences": "可以请求的受众",
    "scopes": "可以请求的范围",
    "grant_types": "授权类型",
    "response_types": "响应类型",
    "redirect_uris": "授权后的回调地址",
    "post_logout_redirect_uris": "退出后的回调地址",
    "initiate_login_uri": "由第三方发起登录的地址",
    "backchannel_logout_uri": "后端退出通知的地址",
    "backchannel_logout_session_required": "后端退出通知须带 sid",
    "frontchannel_logout_uri": "前端退出通知的地址",
    "frontchannel_logout_session_required": "前端退出通知须带 iss 和 sid",
    "default_acr_values": "默认要求的登录级别",
    "default_max_age": "默认要求的最长登录时长（秒）",
    "dpop_bound_access_tokens": "访问令牌须绑定 DPoP 密钥",
    "require_pushed_authorization_requests": "授权请求须先推送（PAR）",
    "token_endpoint_auth_method": "令牌端点的客户端认证方式",
    "id_token_signed_response_alg": "ID 令牌的签名算法",
    "userinfo_signed_response_alg": "用户信息的签名算法",
    "jwks": "接入系统的公钥集",
    "jwks_uri": "公钥集的地址",
    "owner_unit_id": "负责单位的标识",
    "secrets": "当前有效的密钥，不含密钥本身",
    "secret": "密钥的标识",
    "token_id": "初始令牌的标识",
    "token": "令牌，只在签发时返回",
    "note": "备注",
}
