"""REST API of the caller's real-name check."""

from uuid import UUID

from fastapi import APIRouter

from authkit.dependencies import REFUSALS
from authkit.errors import InsufficientScope
from identity.accounts.dependencies import AccountService
from identity.accounts.errors import BadName, IdNumberTaken, TooManyCorrections
from identity.units.auth import Person
from identity.verification import errors
from identity.verification.dependencies import RealNameService
from identity.verification.schemas import RealNameIn, RealNameOut
from servicekit import problems

router = APIRouter(
    prefix="/api/v1", tags=["我的账号"], responses=problems.responses(*REFUSALS, InsufficientScope)
)


@router.get(
    "/me/real-name",
    summary="我的实名核验",
    description="本人的实名核验情况，公民身份号码只显示前三位和后四位。",
)
async def my_real_name(person: Person, accounts: AccountService) -> RealNameOut:
    """Return whether the caller's real name is verified."""
    return RealNameOut.of(await accounts.get(UUID(person.sub)))


@router.post(
    "/me/real-name",
    summary="实名核验",
    description="以本人姓名和公民身份号码核验身份；每天最多 5 次。已核验的，只能为更正姓名重新核验。",
    responses=problems.responses(
        errors.BadIdNumber,
        errors.SeparateConsentRequired,
        errors.RealNameMismatch,
        errors.AlreadyVerified,
        errors.NameChanged,
        errors.IdNumberDiffers,
        BadName,
        TooManyCorrections,
        IdNumberTaken,
        errors.TooManyChecks,
        errors.RealNameUnavailable,
    ),
)
async def verify_real_name(asked: RealNameIn, person: Person, real_names: RealNameService) -> RealNameOut:
    """Verify the caller's name and identity number with the operator's provider."""
    account = await real_names.verify(
        UUID(person.sub), asked.id_number, consent=asked.consent, name_text=asked.name
    )
    return RealNameOut.of(account)
