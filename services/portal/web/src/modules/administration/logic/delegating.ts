/** When a delegation runs, in days of Beijing, and what it is now. */
import { date, fromLocal, time } from '@/texts/format'
import type { Delegation } from '../api/standing'

export const LONGEST_DAYS = 180
const DAY = 86_400_000

const dayOf = (at: number): string => time(new Date(at).toISOString()).slice(0, 10)
export const today = (now = Date.now()): string => dayOf(now)
export const daysLater = (day: string, days: number): string => dayOf(new Date(`${day}T12:00:00+08:00`).getTime() + days * DAY)

/** From the beginning of the first day, or from now if that is today, to the end of the last one. */
export function periodOf(first: string, last: string, now = new Date()): { starts_at: string; ends_at: string } {
  const start = first === today(now.getTime()) ? now.toISOString() : (fromLocal(`${first}T00:00`) ?? '')
  return { starts_at: start, ends_at: fromLocal(`${daysLater(last, 1)}T00:00`) ?? '' }
}

/** The last day on which it runs. */
export const lastDay = (one: { ends_at: string }): string => date(new Date(new Date(one.ends_at).getTime() - 1).toISOString())

export type State = 'running' | 'coming' | 'over' | 'ended' | 'void'

export function stateOf(one: Delegation, now = Date.now()): State {
  if (one.revoked_at) return 'ended'
  if (now >= new Date(one.ends_at).getTime()) return 'over'
  if (now < new Date(one.starts_at).getTime()) return 'coming'
  return one.active ? 'running' : 'void'
}

export const open = (one: Delegation): boolean => ['running', 'coming', 'void'].includes(stateOf(one))
export const tones: Record<State, string> = { running: 'good', coming: 'wait', over: '', ended: '', void: 'bad' }
