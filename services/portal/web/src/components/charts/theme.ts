/** The colours of charts: those of the style sheet at the place of the chart, so that a dark wall has its own. */
export interface Theme {
  ink: string
  soft: string
  line: string
  paper: string
  series: string[]
  /** From little to much. */
  steps: string[]
  none: string
  font: string
  size: number
}

const SERIES = [1, 2, 3, 4, 5, 6, 7, 8].map((number) => `--chart-${number}`)
const STEPS = [1, 2, 3, 4, 5].map((number) => `--step-${number}`)

export function themeOf(element: Element): Theme {
  const style = getComputedStyle(element)
  const of = (name: string): string => style.getPropertyValue(name).trim()
  return {
    ink: of('--color-ink'),
    soft: of('--color-ink-soft'),
    line: of('--color-line'),
    paper: of('--color-paper'),
    series: SERIES.map(of),
    steps: STEPS.map(of),
    none: of('--step-none'),
    font: style.fontFamily,
    size: Math.round(parseFloat(style.fontSize) * 0.8) || 12,
  }
}
