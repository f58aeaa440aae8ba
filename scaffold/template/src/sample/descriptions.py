"""Chinese descriptions of fields and parameters in OpenAPI, in addition to those of `servicekit.openapi`."""

DESCRIPTIONS: dict[str, str] = {}
