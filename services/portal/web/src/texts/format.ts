/** Dates, numbers and sizes as people in China read them, whatever the computer's own settings are. */
const ZONE = 'Asia/Shanghai'
const dateTime = new Intl.DateTimeFormat('zh-CN', { timeZone: ZONE, year: 'numeric', month: '2-digit', day: '2-digit', hour: '2-digit', minute: '2-digit', hourCycle: 'h23' })
const day = new Intl.DateTimeFormat('zh-CN', { timeZone: ZONE, year: 'numeric', month: 'long', day: 'numeric' })
const weekday = new Intl.DateTimeFormat('zh-CN', { timeZone: ZONE, year: 'numeric', month: 'long', day: 'numeric', weekday: 'long' })
const numbers = new Intl.NumberFormat('zh-CN')

/** 2023-04-27 09:00, Beijing time. */
export function time(instant: string | null | undefined): string {
  if (!instant) return ''
  const part = Object.fromEntries(dateTime.formatToParts(new Date(instant)).map(({ type, value }) => [type, value]))
  return `${part.year}-${part.month}-${part.day} ${part.hour}:${part.minute}`
}

/** 2023年4月27日. */
export const date = (instant: string | null | undefined): string => (instant ? day.format(new Date(instant)) : '')

export const today = (now = new Date()): string => weekday.format(now)

export const number = (value: number): string => numbers.format(value)

/** A count that stops at a limit: 10,000+. */
export const total = (value: { count: number; exact: boolean } | null | undefined): string =>
  value ? numbers.format(value.count) + (value.exact ? '' : '+') : ''

/** 98.8%, never 100% before everything is done. */
export function percent(part: number, whole: number): string {
  if (!whole) return '—'
  return `${(Math.floor((part / whole) * 1000) / 10).toFixed(part === whole ? 0 : 1)}%`
}

export function size(bytes: number): string {
  if (bytes < 1024) return `${bytes} B`
  if (bytes < 1024 ** 2) return `${(bytes / 1024).toFixed(1)} KB`
  return `${(bytes / 1024 ** 2).toFixed(1)} MB`
}

/** A length of time in its largest unit, rounded up: 约 2 分钟. */
export function duration(milliseconds: number): string {
  const seconds = Math.ceil(milliseconds / 1000)
  if (seconds < 60) return `${Math.max(seconds, 1)} 秒`
  if (seconds < 3600) return `${Math.ceil(seconds / 60)} 分钟`
  return `${Math.ceil(seconds / 3600)} 小时`
}

/** The value of an `<input type="datetime-local">` for an instant, and back, in Beijing time. */
export const toLocal = (instant: string | null | undefined): string => time(instant).replace(' ', 'T')
export const fromLocal = (value: string): string | null => (value ? new Date(`${value}:00+08:00`).toISOString() : null)

const compact = new Intl.NumberFormat('zh-CN', { notation: 'compact', maximumFractionDigits: 1 })
/** For axes: in ten thousands and hundred millions. */
export const shortened = (value: number): string => compact.format(value)
