"""Chinese descriptions of fields and parameters in OpenAPI, in addition to those of `servicekit.openapi`."""

DESCRIPTIONS = {
    "session_id": "登录的标识",
    "SessionOut.id": "登录的标识",
    "ListedSession.id": "登录的标识",
    "items": "各个登录",
}
