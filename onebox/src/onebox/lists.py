"""What every list of the REST APIs offers: search, sorting, filters, totals, and names beside ids.

`page` writes docs/api/lists.md from the OpenAPI documents; `tests/docs/test_lists.py` says what a list must
have. A list is an operation that answers an array, or an object with `items`.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from cockpit.feeds.declarations import FEEDS
from cockpit.metrics.catalogue import COMPARISONS
from cockpit.metrics.declarations import METRICS
from contracts.vocabulary import NoticeStatus
from identity.clients.service import MOST_OPENED
from identity.directory.service import MOST_IDS
from identity.privacy.repository import MOST_EXPORTS
from identity.sessions.repository import MOST_LIVE
from identity.units.view_repository import MOST_LEVELS
from office.answers.repository import MOST_REVISIONS
from office.assignments.repository import MOST_ASSIGNMENTS
from office.files.rules import MAX_ATTACHMENTS
from office.groups.rules import MAX_FAVOURITES, MAX_GROUPS
from office.help.repository import MAX_VERSIONS as MAX_ARTICLE_VERSIONS
from office.notices.repository import MAX_REVISIONS, MAX_STEPS
from office.numbering.repository import MAX_SERIES
from office.templates.repository import MAX_VERSIONS as MAX_TEMPLATE_VERSIONS

COMPLETE: Mapping[str, int | str] = {
    "getVocabulary": "all enums",
    "listAncestors": MOST_LEVELS,
    "listAnswerRevisions": MOST_REVISIONS,
    "listArticleVersions": MAX_ARTICLE_VERSIONS,
    "listAssignments": MOST_ASSIGNMENTS,
    "listComparisons": len(COMPARISONS),
    "listContactFavourites": MAX_FAVOURITES,
    "listContactGroups": MAX_GROUPS,
    "countOutbox": len(NoticeStatus),
    "getNoticeHistory": MAX_STEPS,
    "listFeeds": len(FEEDS),
    "listFiles": MAX_ATTACHMENTS,
    "listMetrics": len(METRICS),
    "listMyPlatforms": MOST_OPENED,
    "listNoticeRevisions": MAX_REVISIONS,
    "listNumberSeries": MAX_SERIES,
    "listPlatformAdmins": "the platform's administrators, some at most",
    "listPlatformSettings": "all settings",
    "listRoles": "all roles, some dozen at most",
    "listSessions": MOST_LIVE,
    "listSigningKeys": "the keys that are published, some at most",
    "listTemplateVersions": MAX_TEMPLATE_VERSIONS,
    "myExports": MOST_EXPORTS,
    "resolvePeople": MOST_IDS,
    "resolveUnits": MOST_IDS,
}
"""Lists without pages, and the most that they have: by construction they are short enough for one answer."""

FEEDS_OF_REPLICAS = frozenset({"snapshotPeople", "snapshotRevocations", "snapshotRoles", "snapshotUnits"})
"""Lists that programs read from the first to the last page: nobody sees totals or sorts them."""

NAMES: Mapping[str, tuple[str, ...]] = {
    "by": ("by_name", "person_name", "author_name", "editor_name", "name"),
    "created_by": ("created_by_name", "creator_name"),
    "issued_by": ("issuer_name",),
    "uploaded_by": ("uploader_name",),
    "from_sub": ("from_name",),
    "to_sub": ("to_name",),
    "sub": ("name", "person_name"),
    "owner": ("owner_name",),
    "actor": ("actor_name",),
    "target_id": ("target_name",),
    "notice_id": ("title",),
    "file_id": ("file_name",),
    "export_id": ("file_name",),
    "root_id": ("root_name",),
    "superseded_by_id": ("replaced_by",),
    "unit_id": ("unit",),
}
"""Fields that name what a field has the id of, where it is not the same word with `_name`."""

NAMELESS: Mapping[str, str] = {
    "id": "the item itself",
    "batch": "`getBatch`",
    "batch_id": "what the sender calls the item itself",
    "session_id": "an id for programs",
    "sid": "an id for programs",
    "from_id": "a range of ids",
    "until_id": "a range of ids",
    "parent_id": "`listAncestors` has the way down to it",
    "merged_into_id": "`getUnit`",
    "subject_id": "what the caller has asked for",
}
"""Ids without a name beside them, and where the name is."""

NAMELESS_OF: Mapping[str, frozenset[str]] = {
    "listUploads": frozenset({"unit_id"}),
    "listExportUses": frozenset({"export_id"}),
}
"""Ids of single lists that have no name yet: `getBatch` names the unit of a finished upload, and
`asked` says what an export has.
"""

_CONTROL = frozenset({"limit", "cursor", "sort", "order", "q", "on"})


@dataclass(frozen=True)
class ListOperation:
    """An operation that answers a list."""

    service: str
    path: str
    content: Mapping[str, Any]
    answer: Mapping[str, Any]
    """The schema of the answer."""
    item: Mapping[str, Any]
    """The schema of an item."""
    parameters: Mapping[str, Mapping[str, Any]]
    schemas: Mapping[str, Mapping[str, Any]]

    @property
    def id(self) -> str:
        """The operation id."""
        return str(self.content["operationId"])

    @property
    def paged(self) -> bool:
        """Whether it is read page by page."""
        return "cursor" in self.parameters

    @property
    def total(self) -> bool:
        """Whether the answer has the number of all rows."""
        return "total" in self.answer.get("properties", {})

    @property
    def search(self) -> str | None:
        """What the words of a search are looked for in, in Chinese; None without a search."""
        return str(self.parameters["q"].get("description", "")) if "q" in self.parameters else None

    @property
    def sorts(self) -> dict[str, str]:
        """The orders of the list by their codes, with their Chinese names; empty if there is only one."""
        for name in ("sort", "order"):
            if name in self.parameters:
                schema = _resolved(self.parameters[name]["schema"], self.schemas)
                return {code: schema["x-enumDescriptions"][code] for code in schema["enum"]}
        return {}

    @property
    def sort_parameter(self) -> str:
        """The name of the parameter that sorts."""
        return "order" if "order" in self.parameters else "sort"

    @property
    def filters(self) -> list[str]:
        """The parameters that narrow the list."""
        return [
            name for name, one in self.parameters.items() if one["in"] == "query" and name not in _CONTROL
        ]

    @property
    def most(self) -> int | str:
        """The most items of one answer."""
        if not self.paged:
            return COMPLETE[self.id]
        return int(self.parameters["limit"]["schema"]["maximum"])

    def ids(self) -> Iterator[tuple[str, str | None]]:
        """Yield the fields of an item that have ids of other things, each with the field of their name."""
        given = {name for name, one in self.parameters.items() if one["in"] == "path"}
        fields = self.item.get("properties", {})
        for field, schema in fields.items():
            kinds = [schema, *schema.get("anyOf", ())]
            if (
                self.id in FEEDS_OF_REPLICAS
                or field in given
                or not any(kind.get("format") == "uuid" for kind in kinds)
            ):
                continue
            own = (f"{field.removesuffix('_id')}_name", f"{field}_name")
            name = next((one for one in (*own, *NAMES.get(field, ())) if one in fields), None)
            if name is None and (field in NAMELESS or field in NAMELESS_OF.get(self.id, ())):
                continue
            yield field, name


def lists(documents: Mapping[str, Mapping[str, Any]]) -> Iterator[ListOperation]:
    """Yield the lists of all services in the order of their documents."""
    for service, document in documents.items():
        schemas = document["components"]["schemas"]
        for path, methods in document["paths"].items():
            for content in methods.values():
                answer = _answer(content, schemas)
                rows = answer.get("properties", {}).get("items", answer)
                if rows.get("type") != "array" or not path.startswith("/api/"):
                    continue
                parameters = {one["name"]: one for one in content.get("parameters", ())}
                item = _resolved(rows["items"], schemas)
                yield ListOperation(service, path, content, answer, item, parameters, schemas)


def page(documents: Mapping[str, Mapping[str, Any]]) -> str:
    """Return a page with a table of the lists of each service."""
    lines = [
        "# Lists",
        "",
        "Written by `make snapshots`. What each list can be searched for, sorted and filtered by, and",
        "whether the answer has its total: exact up to 10,000, of a search up to 1,000, then `exact` is",
        "false. Search is `q`; what it looks into is in Chinese, as in the API. A list with pages is read",
        "by `limit` and `cursor`;",
        "one without is complete and never has more items than the bound. An id has a name beside it, as",
        "`unit_id` has `unit_name`. Unknown parameters and values answer 422 and name the parameter.",
    ]
    for service in documents:
        lines += ["", f"## {service}", ""]
        lines += [
            "| List | Request | Search | Sort | Filters | Total | Items at once | Ids with names |",
            "| --- | --- | --- | --- | --- | --- | --- | --- |",
        ]
        lines += [_row(one) for one in lists(documents) if one.service == service]
    return "\n".join(lines) + "\n"


def _row(one: ListOperation) -> str:
    total = "for programs" if one.id in FEEDS_OF_REPLICAS else "yes" if one.total else "complete"
    cells = [
        f"`{one.id}`",
        f"`GET {one.path}`",
        one.search or "",
        ", ".join(f"`{code}`" for code in one.sorts),
        ", ".join(f"`{name}`" for name in one.filters),
        total,
        str(one.most),
        ", ".join(f"`{field}`" for field, _ in one.ids()),
    ]
    return "| " + " | ".join(cells) + " |"


def _answer(content: Mapping[str, Any], schemas: Mapping[str, Mapping[str, Any]]) -> Mapping[str, Any]:
    media = content["responses"].get("200", {}).get("content", {}).get("application/json", {})
    return _resolved(media.get("schema", {}), schemas)


def _resolved(schema: Mapping[str, Any], schemas: Mapping[str, Mapping[str, Any]]) -> Mapping[str, Any]:
    reference = schema.get("$ref")
    return schema if reference is None else schemas[reference.rpartition("/")[2]]
