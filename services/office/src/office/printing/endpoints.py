"""The API of printing."""

from typing import Annotated
from urllib.parse import quote
from uuid import UUID

from fastapi import APIRouter, Query, Response

from office.actors import Member
from office.directory.errors import REFUSALS
from office.notices.errors import NoticeWithdrawn
from office.printing import errors
from office.printing.dependencies import PrintingService, ServicePrinter
from servicekit.db import Session, release
from servicekit.problems import NotFound, responses

router = APIRouter(prefix="/api/v1/notices", tags=["通知公告"])

_PDF = "application/pdf"


@router.get(
    "/{notice_id}/pdf",
    summary="通知的 PDF",
    response_class=Response,
    responses={
        **responses(
            *REFUSALS,
            NotFound,
            NoticeWithdrawn,
            errors.DocumentTooLong,
            errors.PrintingUnavailable,
            errors.PrintersBusy,
        ),
        200: {"content": {_PDF: {}}, "description": "按 GB/T 9704-2012 排版的 PDF"},
    },
)
async def get_notice_pdf(
    notice_id: UUID,
    actor: Member,
    printing: PrintingService,
    printer: ServicePrinter,
    session: Session,
    seal: Annotated[bool, Query(description="标出加盖印章的位置")] = True,
) -> Response:
    """按《党政机关公文格式》（GB/T 9704-2012）排版，用于打印盖章；不等于已读或签收。

    发文单位可以在签发之前打印草稿，页面带“草稿”或“送审稿”字样。
    """
    printable = await printing.printable(actor, notice_id, seal=seal)
    # Layout takes a second: no connection waits for it.
    await release(session)
    pdf = await printer.pdf(printable.document)
    return Response(
        pdf,
        media_type=_PDF,
        headers={
            "Content-Disposition": f"inline; filename*=UTF-8''{quote(printable.name)}.pdf",
            "Cache-Control": "private, no-store",
        },
    )
