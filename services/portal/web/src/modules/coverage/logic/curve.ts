/** The lines of the progress, in the coordinates of a drawing. */
import type { Point } from '../api'

export const WIDTH = 640
export const HEIGHT = 220
export const LEFT = 52
export const BOTTOM = 28
const TOP = 12
const RIGHT = 14

export interface Scale {
  x: (at: number) => number
  y: (count: number) => number
  ticks: number[]
  days: { at: number; x: number }[]
}

/** A step of 1, 2 or 5 times a power of ten, so that there are about `wanted` of them. */
function step(largest: number, wanted: number): number {
  const raw = Math.max(largest / wanted, 1)
  const power = 10 ** Math.floor(Math.log10(raw))
  return ([1, 2, 5, 10].find((one) => one * power >= raw) ?? 10) * power
}

export function scale(points: readonly Point[], start: string, largest: number): Scale {
  const first = new Date(start).getTime()
  const last = Math.max(new Date(points.at(-1)?.at ?? start).getTime(), first + 3_600_000)
  const x = (at: number): number => LEFT + ((at - first) / (last - first)) * (WIDTH - LEFT - RIGHT)
  const size = step(largest, 4)
  const top = Math.max(Math.ceil(largest / size) * size, 1)
  const y = (count: number): number => HEIGHT - BOTTOM - (count / top) * (HEIGHT - BOTTOM - TOP)
  const ticks: number[] = []
  for (let count = 0; count <= top; count += size) ticks.push(count)
  const count = 4
  const days = Array.from({ length: count + 1 }, (_, index) => first + ((last - first) * index) / count).map((at) => ({ at, x: x(at) }))
  return { x, y, ticks, days }
}

/** A line that stays level until something is added. Nothing was there at the start. */
export function line(points: readonly Point[], start: string, { x, y }: Scale, of: (point: Point) => number): string {
  let level = y(0)
  let path = `M${x(new Date(start).getTime()).toFixed(1)} ${level.toFixed(1)}`
  for (const point of points) {
    const at = x(new Date(point.at).getTime()).toFixed(1)
    level = y(of(point))
    path += `L${at} ${level.toFixed(1)}`
  }
  return path
}
