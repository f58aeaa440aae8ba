/** Options of ECharts for the kinds of charts that pages have. */
import type { ComposeOption } from 'echarts/core'
import type { BarSeriesOption, LineSeriesOption, PieSeriesOption } from 'echarts/charts'
import type { GeoComponentOption, GridComponentOption, TooltipComponentOption } from 'echarts/components'
import { project, unproject } from './albers'
import { hatch } from './hatch'
import type { Theme } from './theme'

export type ChartOption = ComposeOption<
  BarSeriesOption | LineSeriesOption | PieSeriesOption | GeoComponentOption | GridComponentOption | TooltipComponentOption
>

export interface GeoMap {
  name: string
  /** GeoJSON whose features have a property `id`. */
  features: object
}

/** A value with the text for people; without a value nothing is drawn. */
export interface Point {
  name: string
  value: number | null
  text: string
}

const tooltip = (theme: Theme): TooltipComponentOption => ({
  renderMode: 'richText',
  confine: true,
  backgroundColor: theme.paper,
  borderColor: theme.line,
  textStyle: { color: theme.ink, fontSize: theme.size },
})

const line = (points: readonly Point[], at: number): string => `${points[at]?.name ?? ''}\n${points[at]?.text ?? ''}`

const labelOf = (theme: Theme) => ({ color: theme.soft, fontSize: theme.size })

/** 120000000 is 1.2 of a hundred millions: as the axis writes it. */
export type Shorten = (value: number) => string

const value = (theme: Theme, shorten: Shorten) => ({
  type: 'value' as const,
  axisLabel: { ...labelOf(theme), formatter: shorten },
  splitLine: { lineStyle: { color: theme.line } },
  splitNumber: 4,
})

const category = (theme: Theme, points: readonly Point[]) => ({
  type: 'category' as const,
  data: points.map((one) => one.name),
  axisLabel: labelOf(theme),
  axisLine: { lineStyle: { color: theme.line } },
  axisTick: { show: false },
})

export function lineOption(theme: Theme, points: readonly Point[], shorten: Shorten): ChartOption {
  const few = points.length <= 6
  return {
    grid: { left: 8, right: 24, top: few ? 28 : 16, bottom: 4, containLabel: true },
    tooltip: { ...tooltip(theme), trigger: 'axis', formatter: (given) => line(points, (Array.isArray(given) ? given[0] : given)?.dataIndex ?? -1) },
    xAxis: category(theme, points),
    yAxis: value(theme, shorten),
    series: [
      {
        type: 'line',
        data: points.map((one) => one.value),
        symbolSize: 8,
        lineStyle: { width: 3 },
        color: theme.series[0],
        areaStyle: { opacity: 0.08 },
        label: { show: few, formatter: ({ dataIndex }) => points[dataIndex]?.text ?? '', color: theme.ink, fontSize: theme.size },
      },
    ],
  }
}

/** Horizontal bars, the first at the top. */
export function barOption(theme: Theme, points: readonly Point[], shorten: Shorten): ChartOption {
  return {
    grid: { left: 8, right: 96, top: 4, bottom: 4, containLabel: true },
    tooltip: { ...tooltip(theme), trigger: 'axis', axisPointer: { type: 'shadow' }, formatter: (given) => line(points, (Array.isArray(given) ? given[0] : given)?.dataIndex ?? -1) },
    xAxis: { ...value(theme, shorten), axisLabel: { show: false } },
    yAxis: { ...category(theme, points), inverse: true, axisLabel: { ...labelOf(theme), width: 120, overflow: 'truncate' } },
    series: [
      {
        type: 'bar',
        data: points.map((one) => one.value),
        barMaxWidth: 20,
        color: theme.series[0],
        itemStyle: { borderRadius: [0, 3, 3, 0] },
        label: { show: true, position: 'right', formatter: ({ dataIndex }) => points[dataIndex]?.text ?? '', color: theme.ink, fontSize: theme.size },
      },
    ],
  }
}

/** A ring, for parts that add up. */
export function ringOption(theme: Theme, points: readonly Point[]): ChartOption {
  const shown = points.filter((one) => one.value !== null && one.value > 0)
  return {
    color: theme.series,
    tooltip: { ...tooltip(theme), trigger: 'item', formatter: (given) => line(shown, Array.isArray(given) ? -1 : given.dataIndex) },
    series: [
      {
        type: 'pie',
        radius: ['38%', '60%'],
        data: shown.map(({ name, value: found }) => ({ name, value: found ?? 0 })),
        itemStyle: { borderColor: theme.paper, borderWidth: 2 },
        label: { color: theme.ink, fontSize: theme.size, formatter: '{b}\n{d}%' },
        labelLine: { length: 10, length2: 6, lineStyle: { color: theme.soft } },
      },
    ],
  }
}

export interface Area {
  id: string
  label: string
  /** 0 to 4; null: there is no figure. */
  step: number | null
  text: string
  chosen?: boolean
  hatched?: boolean
  /** Where the label is, from the middle of the area, in pixels. */
  offset?: readonly [number, number]
}

/** The `id` of what is no area: the dashed line, and borders that end in the sea. */
const LINE = 'line'

/** `box` is the part of the earth that is shown: west, south, east, north. The rest is cut off. */
export function geoOption(theme: Theme, map: string, areas: readonly Area[], box: readonly [number, number, number, number] | null, labels: boolean, fine = false): ChartOption {
  const by = new Map(areas.map((one) => [one.id, one]))
  return {
    tooltip: { ...tooltip(theme), trigger: 'item', show: true },
    geo: {
      map,
      nameProperty: 'id',
      projection: { project: (point: number[]) => project(point), unproject: (point: number[]) => unproject(point) },
      ...(box ? { boundingCoords: [[box[0], box[3]], [box[2], box[1]]] as [[number, number], [number, number]], clip: true } : {}),
      left: 4,
      right: 4,
      top: 4,
      bottom: 4,
      // The room may have any shape, a place has its own.
      preserveAspect: 'contain',
      // Islands that are a point here are seen by their border.
      itemStyle: { areaColor: theme.none, borderColor: fine ? theme.soft : theme.paper, borderWidth: fine ? 0.6 : 0.8 },
      label: { show: false },
      emphasis: { itemStyle: { areaColor: theme.series[2] }, label: { show: labels, color: theme.ink, formatter: ({ name }) => by.get(name)?.label ?? '' } },
      select: { disabled: true },
      tooltip: { show: true, formatter: (given: unknown) => describe(by, given) },
      regions: [
        { name: LINE, itemStyle: { borderColor: theme.soft, borderWidth: 1.4 }, label: { show: false }, emphasis: { disabled: true }, silent: true },
        ...areas.map((one) => ({
          name: one.id,
          itemStyle: { areaColor: fillOf(theme, one) },
          label: {
            show: labels && one.label !== '',
            formatter: one.label,
            offset: one.offset,
            color: isDark(one) ? theme.paper : theme.ink,
            fontSize: theme.size - 1,
            // To be read over the lines.
            ...(one.hatched ? { textBorderColor: isDark(one) ? theme.ink : theme.paper, textBorderWidth: 3 } : {}),
          },
        })),
      ],
    } as GeoComponentOption,
  }
}

const isDark = ({ step }: Area): boolean => step !== null && step > 2

function fillOf(theme: Theme, area: Area) {
  const color = area.step !== null ? (theme.steps[area.step] ?? theme.none) : area.chosen ? (theme.series[5] ?? theme.none) : theme.none
  return area.hatched ? hatch(color, isDark(area) ? theme.paper : theme.soft) : color
}

function describe(by: ReadonlyMap<string, Area>, given: unknown): string {
  const area = by.get(String((given as { name?: unknown }).name ?? ''))
  return area ? `${area.label}\n${area.text}` : ''
}

/** Steps by rank: a fifth of the areas in each, so that one large value does not make the others look alike. */
export function stepsOf(values: readonly (number | null)[]): (number | null)[] {
  const sorted = values.filter((one): one is number => one !== null).sort((a, b) => a - b)
  const last = sorted.length - 1
  return values.map((one) => {
    if (one === null) return null
    if (last <= 0) return 2
    const below = sorted.filter((other) => other < one).length
    return Math.min(4, Math.floor((below / last) * 5))
  })
}
