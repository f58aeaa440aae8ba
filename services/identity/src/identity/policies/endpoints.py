"""REST API of documents and of the caller's agreements."""

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Path

from authkit.dependencies import REFUSALS
from authkit.errors import InsufficientScope
from identity.policies.dependencies import PolicyService
from identity.policies.errors import PolicyNotFound, PolicyOutdated
from identity.policies.schemas import AgreementIn, AgreementOut, AgreementsOut, PolicyOut
from identity.policies.service import Policies
from identity.units.auth import Person
from servicekit import problems

router = APIRouter(prefix="/api/v1")
_OWN = problems.responses(*REFUSALS, InsufficientScope)


@router.get(
    "/policies/{kind}",
    tags=["账号"],
    summary="隐私政策、使用条款等文件",
    description="最新版本的全文；无需登录。",
    responses=problems.responses(PolicyNotFound),
)
async def get_policy(
    kind: Annotated[str, Path(description="文件的种类：privacy_policy、terms 或 id_number")],
    policies: PolicyService,
) -> PolicyOut:
    """Return the current version of a document."""
    return PolicyOut.model_validate(policies.document(kind))


async def _state(policies: Policies, sub: UUID) -> AgreementsOut:
    return AgreementsOut(
        agreed=[AgreementOut.model_validate(one) for one in await policies.agreements(sub)],
        missing=[one.kind for one in await policies.missing(sub)],
    )


@router.get(
    "/me/agreements",
    tags=["我的账号"],
    summary="我同意的文件",
    description="已同意的版本，以及更新后须重新确认的文件。",
    responses=_OWN,
)
async def my_agreements(person: Person, policies: PolicyService) -> AgreementsOut:
    """Return what the caller has agreed to, and what is missing."""
    return await _state(policies, UUID(person.sub))


@router.post(
    "/me/agreements",
    tags=["我的账号"],
    summary="同意文件",
    description="同意文件的最新版本；重复提交无妨。",
    responses=_OWN | problems.responses(PolicyOutdated),
)
async def accept_agreement(agreed: AgreementIn, person: Person, policies: PolicyService) -> AgreementsOut:
    """Record the caller's agreement to the current version of a document."""
    await policies.agree(UUID(person.sub), agreed.kind, agreed.version)
    return await _state(policies, UUID(person.sub))
