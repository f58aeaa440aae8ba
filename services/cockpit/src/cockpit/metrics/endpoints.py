"""The dictionary of metrics."""

from fastapi import APIRouter

from cockpit.access.auth import REFUSALS, Viewer
from cockpit.metrics.catalogue import METRICS
from cockpit.metrics.schemas import MetricOut
from servicekit import problems

router = APIRouter(prefix="/api/v1", tags=["指标"], responses=problems.responses(*REFUSALS))


@router.get(
    "/metrics", summary="指标字典", description="各指标的名称、公式、单位、口径、来源，以及能否相加。"
)
async def list_metrics(_: Viewer) -> list[MetricOut]:
    """Return every metric: name, formula, unit, 口径, source, and whether it is additive."""
    return [MetricOut.model_validate(metric) for metric in METRICS.values()]
