"""Common parts of the OpenAPI documents: short operation ids and Chinese descriptions."""

import copy
from collections.abc import Iterator, Mapping
from typing import Any

from fastapi import FastAPI
from fastapi.routing import APIRoute, RouteContext, iter_route_contexts

from servicekit import permissions, problems
from servicekit.paging import BadCursor
from servicekit.queries import PREFIX

# Fields and parameters with the same meaning everywhere. Their own descriptions take precedence.
WORDS = {
    "id": "标识",
    "name": "名称",
    "code": "代码",
    "unit_id": "单位标识",
    "unit_path": "单位的隶属路径",
    "path": "隶属路径",
    "parent_id": "上级单位的标识",
    "level": "层级",
    "kind": "单位类别",
    "stages": "学段",
    "region_code": "行政区划代码（GB/T 2260）",
    "short_name": "简称",
    "status": "状态",
    "version": "版本号，每次修改加一",
    "created_at": "创建时间",
    "items": "本页内容",
    "next": "下一页的游标；没有下一页时为空",
    "ProblemBody.type": "问题类型的 URI",
    "ProblemBody.title": "问题类型的简短说明",
    "ProblemBody.status": "HTTP 状态码",
    "ProblemBody.detail": "本次问题的说明，可以展示给用户",
    "ProblemBody.code": "稳定的问题代码，供程序判断",
    "ProblemBody.correlation_id": "请求的关联标识，查日志时使用",
    "ProblemBody.errors": "各字段的问题",
    "FieldError.pointer": "正文中的位置（JSON Pointer，RFC 6901）；空串指正文整体，表单为 /字段，表格为 /列",
    "FieldError.parameter": "有问题的查询、路径或请求头参数的名称",
    "FieldError.detail": "该处的问题，可以展示给用户",
    "If-Match": "所见版本的 ETag",
    "Idempotency-Key": "幂等键：同一键重复提交时返回首次的结果",
    "limit": "本页最多的条数",
    "cursor": "上一页返回的游标",
}
_SUCCESS = {
    "200": "成功",
    "201": "已创建",
    "202": "已受理",
    "204": "成功，没有内容",
    "303": "转到另一页面",
}
_LOCATION = {
    "description": "所创建内容的地址，没有单独地址的为其所在列表的地址（相对于本服务）",
    "required": True,
    "schema": {"type": "string", "format": "uri-reference"},
}
_ACCEPTED = {
    **_LOCATION,
    "description": "可以查看进度和结果的地址，没有单独地址的为其所在列表的地址（相对于本服务）",
}
# FastAPI's default description.
_DEFAULT = "Successful Response"


def operation_id(route: APIRoute) -> str:
    """Return the operation id: the name of the function in camel case, `publishNotice`."""
    first, *others = route.name.split("_")
    return first + "".join(word.capitalize() for word in others)


def operations(document: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """Yield the operations of an OpenAPI document."""
    for item in document["paths"].values():
        yield from item.values()


def routes(app: FastAPI) -> Iterator[RouteContext]:
    """Yield the documented endpoints of an application, with those of its routers."""
    for route in iter_route_contexts(app.routes):
        if isinstance(route.original_route, APIRoute) and route.include_in_schema:
            yield route


def install(app: FastAPI, words: Mapping[str, str]) -> None:
    """Complete the document of `app`; `words` are descriptions by field, parameter or `Schema.field`."""
    original = app.openapi

    def openapi() -> dict[str, Any]:
        document = original()
        _declare_problems(document)
        _document_cursors(document)
        _document_bodies(app, document)
        _document_permissions(app, document)
        _document_step_ups(app, document)
        _document_locations(document)
        _complete_examples(document)
        for operation in operations(document):
            operation.setdefault("security", [])
        _describe(document, {**WORDS, **words})
        return document

    app.openapi = openapi  # type: ignore[method-assign]


def _declare_problems(document: dict[str, Any]) -> None:
    schemas = document.setdefault("components", {}).setdefault("schemas", {})
    for model in (problems.FieldError, problems.Change, problems.ProblemBody):
        schema = model.model_json_schema(ref_template="#/components/schemas/{model}")
        schemas.setdefault(model.__name__, schema).pop("$defs", None)


def _document_cursors(document: dict[str, Any]) -> None:
    """Add the refusal of a bad cursor to each operation that takes one."""
    for operation in operations(document):
        if any(parameter["name"] == "cursor" for parameter in operation.get("parameters", ())):
            _add_refusal(operation, BadCursor)


def _document_bodies(app: FastAPI, document: dict[str, Any]) -> None:
    """Add the refusals of bodies, and correct those outside of the REST API, whose endpoints judge what they
    get themselves.

    Whatever reads a body refuses one that is too large; JSON that is none never reaches an endpoint. FastAPI
    lists 422 everywhere, but an operation without declared path, query and body never gives it.
    """
    for operation in operations(document):
        if "requestBody" in operation:
            _add_refusal(operation, problems.BodyTooLarge)
            if "application/json" in operation["requestBody"]["content"]:
                _add_refusal(operation, problems.MalformedJson)
    for route in routes(app):
        original = route.original_route
        if (route.path_format or "").startswith(PREFIX) or not isinstance(original, APIRoute):
            continue
        for method in route.methods or ():
            operation = document["paths"][route.path_format][method.lower()]
            places = {parameter["in"] for parameter in operation.get("parameters", ())}
            if original.body_field is None and places <= {"header", "cookie"}:
                operation["responses"].pop("422", None)
            if method in ("POST", "PUT"):
                _add_refusal(operation, problems.BodyTooLarge)


def _add_refusal(operation: dict[str, Any], problem: type[problems.Problem]) -> None:
    [(status, refusal)] = problems.responses(problem).items()
    known = operation["responses"].setdefault(str(status), copy.deepcopy(refusal))
    content = known.setdefault("content", {}).setdefault(problems.MEDIA_TYPE, {})
    examples = refusal["content"][problems.MEDIA_TYPE]["examples"]
    content.setdefault("examples", {}).update(examples)


def _document_permissions(app: FastAPI, document: dict[str, Any]) -> None:
    """Name the permission that an operation requires: for people in its description, for programs in
    `x-permissions`: groups, of each of which the caller has one permission at least.
    """
    for route in routes(app):
        groups = permissions.required_by(route.dependant)
        texts = "；".join("或".join(f"{one.label}（`{one}`）" for one in group) for group in groups)
        for method in route.methods or ():
            operation = document["paths"][route.path_format][method.lower()]
            if groups and "x-permissions" not in operation:
                operation["x-permissions"] = [[one.value for one in group] for group in groups]
                described = operation.get("description", "").rstrip()
                _add_refusal(operation, permissions.PermissionRequired)
                operation["description"] = f"{described}\n\n需要权限：{texts}。".lstrip()


def _document_step_ups(app: FastAPI, document: dict[str, Any]) -> None:
    """Name the sign-in that an operation requires (RFC 9470): in its description, and in `x-step-up` with the
    names of the challenge. `permission` there: only whoever has it has to step up.
    """
    for route in routes(app):
        found = permissions.step_up_of(route.dependant)
        if found is None:
            continue
        for method in route.methods or ():
            operation = document["paths"][route.path_format][method.lower()]
            if "x-step-up" not in operation:
                operation["x-step-up"] = {
                    name: value
                    for name, value in (
                        ("acr_values", found.acr),
                        ("max_age", found.max_age),
                        ("permission", found.permission),
                    )
                    if value is not None
                }
                _add_refusal(operation, found.refusal)
                described = operation.get("description", "").rstrip()
                operation["description"] = f"{described}\n\n{_step_up_text(found)}".lstrip()


def _step_up_text(found: permissions.StepUp) -> str:
    whom = "" if found.permission is None else f"以“{found.permission.label}”权限办理的，"
    age = "" if found.max_age is None else f"在 {found.max_age // 60} 分钟内"
    level = "" if found.acr is None else f"以 `{found.acr}` 级别"
    return f"{whom}须{age}{level}登录过；否则返回 401 质询（RFC 9470）。"


def _complete_examples(document: dict[str, Any]) -> None:
    """Add the nulls to the examples of schemas: FastAPI leaves them out of its documents."""
    for schema in document["components"]["schemas"].values():
        example = schema.get("example")
        if isinstance(example, dict):
            for name in schema.get("required", ()):
                if {"type": "null"} in schema["properties"][name].get("anyOf", ()):
                    example.setdefault(name, None)


def _document_locations(document: dict[str, Any]) -> None:
    """Document the address of what was created: every endpoint of `/api/` sends it with 201, and with 202 if
    its answer has an `id`.
    """
    for path, item in document["paths"].items():
        for operation in item.values() if path.startswith("/api/") else ():
            responses = operation["responses"]
            if "201" in responses:
                responses["201"].setdefault("headers", {})["Location"] = copy.deepcopy(_LOCATION)
            if "202" in responses and _has_id(document, responses["202"]):
                responses["202"].setdefault("headers", {}).setdefault("Location", copy.deepcopy(_ACCEPTED))


def _has_id(document: dict[str, Any], response: dict[str, Any]) -> bool:
    schema = response.get("content", {}).get("application/json", {}).get("schema", {})
    if "$ref" in schema:
        schema = document["components"]["schemas"][schema["$ref"].rpartition("/")[2]]
    return "id" in schema.get("properties", {})


def _describe(document: dict[str, Any], words: Mapping[str, str]) -> None:
    for operation in operations(document):
        for status, response in operation["responses"].items():
            if response.get("description") == _DEFAULT:
                response["description"] = _SUCCESS[status]
        for parameter in operation.get("parameters", ()):
            if parameter["name"] in words:
                parameter.setdefault("description", words[parameter["name"]])
    for schema, content in document["components"]["schemas"].items():
        for name, field in content.get("properties", {}).items():
            found = words.get(f"{schema}.{name}") or words.get(name)
            if found is not None:
                field.setdefault("description", found)
    described = {tag["name"] for tag in document.get("tags", ())}
    used = {tag for operation in operations(document) for tag in operation.get("tags", ())}
    document["tags"] = [*document.get("tags", ()), *({"name": tag} for tag in sorted(used - described))]
