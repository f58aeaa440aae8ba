/** The table of branches: what it has in which order. */
import type { Child, Report } from '../api'

export type Figure = 'total' | 'delivered' | 'signed' | 'answered' | 'read' | 'overdue'
export type Order = Figure | 'rate' | 'name' | ''

const rate = (child: Child): number => (child.total ? child.signed / child.total : 1)

/** `-` before the order: the largest first. Without an order they stay as the service has them. */
export function ordered(children: readonly Child[], sort: string): Child[] {
  const back = sort.startsWith('-')
  const by = sort.replace(/^-/, '') as Order
  if (!by) return [...children]
  const compare = (one: Child, two: Child): number => {
    if (by === 'name') return one.unit.name.localeCompare(two.unit.name, 'zh-CN')
    if (by === 'rate') return rate(one) - rate(two)
    return one[by] - two[by]
  }
  return [...children].sort((one, two) => (back ? -compare(one, two) : compare(one, two)))
}

/** What a part has beyond the units below it: the unit itself, unless it published the notice or is not owed it. */
export function ownOf(report: Report): Record<Figure, number> {
  const sum = (figure: Figure): number => report[figure] - report.children.reduce((whole, one) => whole + one[figure], 0)
  return { total: sum('total'), delivered: sum('delivered'), signed: sum('signed'), answered: sum('answered'), read: sum('read'), overdue: sum('overdue') }
}

/** What one unit has done. */
export function stateOf(unit: { total: number; delivered: number; signed: number; overdue: number }, returned: number): string | null {
  if (!unit.total) return returned ? 'returned' : null
  if (unit.signed) return 'signed'
  if (unit.overdue) return 'overdue'
  return unit.delivered ? 'delivered' : 'waiting'
}
