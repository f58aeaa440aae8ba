"""Chinese descriptions of fields and parameters in OpenAPI, in addition to those of `servicekit.openapi`."""

DESCRIPTIONS = {
    "notice_id": "通知的标识",
    "task_id": "待办的标识",
    "run_id": "催办的标识",
    "export_id": "导出的标识",
    "unit": "单位",
    "sub": "人员的标识",
    "forwarded_at": "转发时间",
    "forwarded_by": "转发人的标识",
}
