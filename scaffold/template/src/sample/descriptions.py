"""Chinese words for fields and parameters in the OpenAPI document, beside those of `servicekit.openapi`."""

DESCRIPTIONS: dict[str, str] = {}
