/** Figures of answers as charts and tables need them. Pure. */
import type { Point } from '@/components/charts/options'
import type { Child, Column, Figure, View } from '../api'

/** A figure without a value is not zero: nothing is drawn. */
export const valueOf = (figure: Figure | undefined): number | null => (figure?.value === null || figure === undefined ? null : Number(figure.value))

/** Key figures of a module by subject; what is not named comes first. */
const GROUPS: Record<string, Record<string, string>> = {
  hardship: { recognised_and_aided: 'aided', recognised_not_aided: 'aided', full_aid_rate: 'aided' },
  funds: {
    ...Object.fromEntries(['aid_amount', 'central_aid', 'local_aid', 'bank_aid', 'school_aid', 'social_aid'].map((name) => [name, 'sources'])),
    ...Object.fromEntries(['budget_amount', 'transfer_amount', 'reclaimed_amount', 'transfer_rate', 'fund_balance'].map((name) => [name, 'flows'])),
    ...Object.fromEntries(['due_amount', 'paid_amount', 'returned_amount', 'payment_progress', 'payout_rate', 'days_to_pay'].map((name) => [name, 'payments'])),
    ...Object.fromEntries(['loan_amount', 'loan_count', 'loan_persons', 'loan_balance'].map((name) => [name, 'loans'])),
  },
}

/** 获 1、2、3 项及以上资助的人数: they have a chart of their own. */
export const MULTIPLES = ['aided_by_one', 'aided_by_two', 'aided_by_more']

export function grouped(view: View): [string, View['key_figures']][] {
  const groups = new Map<string, View['key_figures']>()
  for (const one of view.key_figures) {
    if (MULTIPLES.includes(one.metric)) continue
    const group = GROUPS[view.module]?.[one.metric] ?? 'main'
    groups.set(group, [...(groups.get(group) ?? []), one])
  }
  return [...groups]
}

export const multiples = (view: View): View['key_figures'] => view.key_figures.filter((one) => MULTIPLES.includes(one.metric))

/** Columns of metrics themselves, by which a chart can be chosen. */
export const plain = (columns: readonly Column[]): Column[] => columns.filter((one) => one.comparison === null)

export const columnAt = (columns: readonly Column[], metric: string): number => Math.max(0, columns.findIndex((one) => one.metric === metric && one.comparison === null))

export const point = (name: string, figure: Figure | undefined): Point => ({ name, value: valueOf(figure), text: figure?.display ?? '' })

/** Rows in the order of a column, those without a value last. `descending` is the usual one. */
export function sorted(children: readonly Child[], column: number, descending = true): Child[] {
  const sign = descending ? -1 : 1
  return [...children].sort((a, b) => {
    const [left, right] = [valueOf(a.figures[column]), valueOf(b.figures[column])]
    if (left === null || right === null) return Number(left === null) - Number(right === null)
    return sign * (left - right)
  })
}

/** The share of the largest, for bars that HTML draws. */
export const shareOf = (value: number | null, all: readonly (number | null)[]): number => {
  const most = Math.max(...all.map((one) => one ?? 0), 0)
  return value === null || most <= 0 ? 0 : Math.max(0, value / most)
}

/** The figures of the place itself for the columns of its table, where the page has them. */
export const totals = (view: View): (Figure | null)[] =>
  view.child_columns.map(({ metric, comparison }) => {
    const key = view.key_figures.find((one) => one.metric === metric)
    if (!key) return null
    if (comparison === null) return key.figure
    return comparison === 'year_on_year' ? key.year_on_year : null
  })
