/** What the map shows of the branches below a unit. */
import type { Entry, MapPlace } from '@/components/maps/maps'
import { number, percent } from '@/texts/format'
import type { Child, Report } from '../api'
import { ordered } from './ordering'
import { coverageTexts as texts } from '../texts'

type Unit = Report['under']

/** 新疆生产建设兵团 has an office of a province, but no area on maps: that of its region is another's. */
const CORPS = '660000'
const AREAS = ['ministry', 'province', 'city', 'county']

/** Only offices stand for an area: a school lies in one, a city's university in that of the city. */
export function placeOf(unit: Unit, above: Unit | null): MapPlace {
  const office = unit.kind === 'student_aid' && AREAS.includes(unit.level) && unit.code !== CORPS
  // 计划单列市 are below the centre by authority, inside a province on a map.
  const separate = office && unit.level === 'city' && above?.level === 'ministry'
  return {
    code: unit.code,
    name: unit.name,
    level: unit.level,
    map_code: office ? unit.region_code : null,
    province_code: unit.region_code && `${unit.region_code.slice(0, 2)}0000`,
    mark: unit.code === CORPS ? 'corps' : separate ? 'separately_planned' : null,
  }
}

/** Below a county there are schools, which are no areas. */
export const mappable = ({ under, children }: Report): boolean =>
  under.kind === 'student_aid' && ['ministry', 'province', 'city'].includes(under.level) && children.length > 0

/** Where the classes of the share that has signed begin; the last is complete. */
const CLASSES = [0, 0.3, 0.6, 0.9, 1]

export function classOf({ signed, total }: { signed: number; total: number }): number | null {
  if (!total) return null
  const share = signed / total
  return CLASSES.findLastIndex((from) => share >= from)
}

/** Why a branch lacks the notice: it does not have it itself, or it has it and passed it on to nobody. */
export type Held = 'undelivered' | 'withheld' | null

/** `whole`: the report is of all units, not of those in a group, among which the branch's own unit may be lacking. */
export function heldOf({ unit, total, delivered }: Child, { blocking }: Pick<Report, 'blocking'>, whole: boolean): Held {
  if (total && !delivered) return 'undelivered'
  if (blocking.items.some((one) => one.unit.id === unit.id)) return 'withheld'
  // The list has the largest only; of a branch that is not in it, only the office itself may have the notice.
  const cut = blocking.count > blocking.items.length
  return whole && cut && delivered === 1 && total > 1 ? 'withheld' : null
}

/** All figures of a branch in words. */
function figuresOf({ total, delivered, signed, overdue }: Child, held: Held): string[] {
  return [
    ...(held ? [texts.held[held]] : []),
    `${texts.delivered} ${texts.of(number(delivered), number(total))}`,
    `${texts.signed} ${texts.of(number(signed), number(total))}`,
    ...(overdue ? [`${texts.overdue} ${number(overdue)}`] : []),
  ]
}

export interface Branch {
  child: Child
  held: Held
  rate: string
  words: string[]
}

/** The branches of a report, those first that lack most. */
export const branchesOf = (report: Report, whole: boolean): Branch[] =>
  ordered(report.children, 'rate').map((child) => {
    const held = heldOf(child, report, whole)
    return { child, held, rate: percent(child.signed, child.total), words: figuresOf(child, held) }
  })

export const entryOf = ({ child, held, rate, words }: Branch, under: Unit, to: Entry['to']): Entry => ({
  place: placeOf(child.unit, under),
  step: classOf(child),
  text: [`${texts.rate} ${rate}`, ...words].join('\n'),
  share: child.total ? child.signed / child.total : 0,
  to,
  hatched: held !== null,
})
