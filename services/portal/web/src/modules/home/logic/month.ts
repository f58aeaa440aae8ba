/** Days of a month in Beijing, which has no daylight saving time. */
const HOURS = 8
const DAY = 86_400_000

export interface Month {
  year: number
  /** 1 to 12. */
  month: number
}

/** The day of an instant in Beijing, as 2026-11-27. */
export const dayOf = (instant: Date | string): string => new Date(new Date(instant).getTime() + HOURS * 3_600_000).toISOString().slice(0, 10)

export function monthOf(day: string): Month {
  const [year, month] = day.split('-').map(Number)
  return { year: year ?? 1970, month: month ?? 1 }
}

export function next({ year, month }: Month, by: 1 | -1): Month {
  const shifted = new Date(Date.UTC(year, month - 1 + by, 1))
  return { year: shifted.getUTCFullYear(), month: shifted.getUTCMonth() + 1 }
}

/** The instant at which a month begins in Beijing. */
export const beginning = ({ year, month }: Month): Date => new Date(Date.UTC(year, month - 1, 1, -HOURS))

/** Weeks from Monday on; null stands for days of other months. */
export function weeks({ year, month }: Month): (string | null)[][] {
  const first = Date.UTC(year, month - 1, 1)
  const days = (Date.UTC(year, month, 1) - first) / DAY
  const before = (new Date(first).getUTCDay() + 6) % 7
  const cells: (string | null)[] = [
    ...Array<null>(before).fill(null),
    ...Array.from({ length: days }, (_, index) => new Date(first + index * DAY).toISOString().slice(0, 10)),
  ]
  while (cells.length % 7) cells.push(null)
  return Array.from({ length: cells.length / 7 }, (_, index) => cells.slice(index * 7, index * 7 + 7))
}
