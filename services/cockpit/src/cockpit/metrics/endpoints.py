"""The dictionary of metrics."""

from typing import Annotated

from fastapi import APIRouter, Query

from cockpit.access.auth import REFUSALS, Viewer
from cockpit.metrics import dictionary
from cockpit.metrics.catalogue import Module
from cockpit.metrics.schemas import ComparisonOut, MetricOut
from servicekit import problems

router = APIRouter(prefix="/api/v1", tags=["指标"], responses=problems.responses(*REFUSALS))


@router.get(
    "/metrics",
    summary="指标字典",
    description="各指标的名称、定义、公式、单位、口径、来源、可用的日历和维度，以及一个算例。",
)
async def list_metrics(
    _: Viewer,
    module: Annotated[Module | None, Query(description="只列出一个模块的指标")] = None,
    q: Annotated[
        str,
        Query(max_length=50, description="名称、定义、公式、口径中含有的词，以空格分开", examples=["人数"]),
    ] = "",
) -> list[MetricOut]:
    """Return the metrics of a module that contain some words."""
    return dictionary.entries(module, q)


@router.get(
    "/metrics/comparisons",
    summary="比较方法",
    description="同比、环比、累计、占比的定义、公式和适用条件，以及算例。",
)
async def list_comparisons(_: Viewer) -> list[ComparisonOut]:
    """Return the comparisons that metrics can be asked with."""
    return dictionary.comparisons()
