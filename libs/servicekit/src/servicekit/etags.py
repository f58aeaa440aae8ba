"""Versions in HTTP: a response has the version in ETag, a write sends the version it has read in If-Match.

A resource has an integer version that increases with every change (RFC 9110 §8.8.3, §13.1.1).
"""

from dataclasses import dataclass
from datetime import datetime
from typing import Annotated
from uuid import UUID

from fastapi import Depends, Header

from servicekit.problems import Change, Problem


class PreconditionRequired(Problem):
    """The request must name the version it changes (RFC 6585 §3)."""

    status = 428
    code = "precondition_required"
    title = "缺少版本前提"
    detail = "请在 If-Match 中提供所修改内容的版本（ETag）。"


class VersionChanged(Problem):
    """The resource has changed since the caller read it (RFC 9110 §15.5.13)."""

    status = 412
    code = "version_changed"
    title = "内容已被他人修改"
    detail = "内容在您查看之后已被修改，请重新读取后再试。"

    @classmethod
    def by(cls, version: int, *, sub: UUID | None, name: str | None, at: datetime | None) -> "VersionChanged":
        """Say which version there is now, and who has written it when, so that two people can merge."""
        who = "" if name is None else f"由{name}"
        problem = cls(f"内容在您查看之后已{who}修改，请重新读取，对照后再保存。")
        problem.headers = {"ETag": etag(version)}
        problem.changed = Change(version=version, by=sub, name=name, at=at)
        return problem


def etag(version: int) -> str:
    """Return the entity tag of a version."""
    return f'"{version}"'


@dataclass(frozen=True)
class SeenVersions:
    """The entity tags of an If-Match header; `*` matches any version."""

    tags: frozenset[str]

    def has(self, version: int) -> bool:
        """Return whether the header matches `version`."""
        return "*" in self.tags or etag(version) in self.tags

    def require(self, version: int) -> None:
        """Raise `VersionChanged` if the header does not match `version`."""
        if not self.has(version):
            raise VersionChanged


_Header = Annotated[str | None, Header(alias="If-Match", max_length=200, description="所见版本的 ETag")]


async def _if_match(value: _Header = None) -> SeenVersions | None:
    return None if value is None else SeenVersions(frozenset(tag.strip() for tag in value.split(",")))


IfMatch = Annotated[SeenVersions | None, Depends(_if_match)]
"""The versions that the caller has read; None without the header."""


async def _required(seen: IfMatch) -> SeenVersions:
    if seen is None:
        raise PreconditionRequired
    return seen


RequiredIfMatch = Annotated[SeenVersions, Depends(_required)]
"""The versions that the caller has read. Raises `PreconditionRequired` without the header."""
