"""`GET /api/v1/vocabulary`: the Chinese labels of all codes that a service's API uses.

The codes are the enums of the OpenAPI document, so that none can be missing.
"""

from typing import Any

from fastapi import APIRouter, FastAPI, Request, Response
from pydantic import BaseModel, Field

_FRESH = "public, max-age=3600"


class WordOut(BaseModel):
    """A code and its label."""

    code: str = Field(description="代码，接口中使用的值", examples=["published"])
    label: str = Field(description="中文名称，可以展示给用户", examples=["已发布"])


class VocabularyOut(BaseModel):
    """The codes of one enum, in their order."""

    name: str = Field(description="枚举的名称，与本文档中的模式名称相同", examples=["NoticeStatus"])
    words: list[WordOut] = Field(description="代码及其中文名称")


class VocabulariesOut(BaseModel):
    """All enums of a service."""

    items: list[VocabularyOut] = Field(description="按名称排列的枚举")


router = APIRouter(prefix="/api/v1", tags=["代码"])


@router.get("/vocabulary", summary="代码的中文名称")
async def get_vocabulary(request: Request, response: Response) -> VocabulariesOut:
    """本服务接口中各枚举的代码和中文名称；无须登录，可以缓存一小时。"""
    response.headers["Cache-Control"] = _FRESH
    app: FastAPI = request.app
    return VocabulariesOut(items=vocabularies(app.openapi()))


def vocabularies(document: dict[str, Any]) -> list[VocabularyOut]:
    """Return the labelled enums of an OpenAPI document."""
    schemas: dict[str, dict[str, Any]] = document["components"]["schemas"]
    return [
        VocabularyOut(
            name=name,
            words=[
                WordOut(code=code, label=schemas[name]["x-enumDescriptions"][code])
                for code in schemas[name]["enum"]
            ],
        )
        for name in sorted(schemas)
        if "x-enumDescriptions" in schemas[name]
    ]
