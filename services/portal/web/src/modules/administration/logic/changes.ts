/** What a change of a unit does, shown before it is confirmed. */
import { number } from '@/texts/format'
import type { Unit } from '../api'
import { administrationTexts } from '../texts'

export const acts = ['create', 'rename', 'amend', 'move', 'merge', 'split', 'close'] as const
export type Act = (typeof acts)[number]

/** The acts after which the unit is no more. */
export const final = (act: Act): boolean => act === 'merge' || act === 'close'

export interface Counts {
  /** Units of the subtree with the unit itself. */
  subtree: string
  children: number
  childrenText: string
  people: string
}

export interface Wanted {
  name: string
  shortName: string
  code: string
  level: string
  kind: string
  stages: string[]
  region: string
  dutyPhone: string
  address: string
  to: { id: string; name: string } | null
  children: string[]
  reason: string
  document: string
  effective: string
}

export interface Line {
  item: string
  before: string
  after: string
}

const texts = administrationTexts.units
const none = texts.noParent

/** Returns the lines that differ between before and after, in the order of the form. */
export function differences(act: Act, unit: Unit, parent: string, wanted: Wanted, label: (vocabulary: string, code: string) => string): Line[] {
  const stages = (codes: readonly string[]): string => codes.map((one) => label('Stage', one)).join('、')
  const lines: Line[] = []
  const add = (item: string, before: string | null, after: string | null): void => {
    if ((before ?? '') !== (after ?? '')) lines.push({ item, before: before || none, after: after || none })
  }
  if (act === 'rename') {
    add(texts.name, unit.name, wanted.name)
    add(texts.shortName, unit.short_name, wanted.shortName || unit.short_name)
  } else if (act === 'amend') {
    add(texts.stages, stages(unit.stages), stages(wanted.stages))
    add(texts.region, unit.region_code, wanted.region)
    add(texts.dutyPhone, unit.duty_phone, wanted.dutyPhone)
    add(texts.address, unit.address, wanted.address)
  } else if (act === 'move') {
    add(texts.parent, parent, wanted.to?.name ?? '')
  } else if (act === 'merge') {
    add(administrationTexts.state, label('UnitStatus', 'active'), label('UnitStatus', 'closed'))
    add(texts.mergedInto, null, wanted.to?.name ?? '')
  } else if (act === 'close') {
    add(administrationTexts.state, label('UnitStatus', 'active'), label('UnitStatus', 'closed'))
  } else {
    add(texts.name, null, wanted.name)
    add(texts.code, null, wanted.code)
    add(texts.parent, null, act === 'create' ? unit.name : parent)
    add(texts.level, null, label('Level', act === 'create' ? wanted.level : unit.level))
    add(texts.kind, null, label('Kind', act === 'create' ? wanted.kind : unit.kind))
    add(texts.stages, null, stages(act === 'create' ? wanted.stages : unit.stages))
  }
  return lines
}

/** Returns what happens to the units and people concerned, and why it cannot be done, if so. */
export function effects(act: Act, unit: Unit, parent: string, wanted: Wanted, counts: Counts): { lines: string[]; blocked: string | null } {
  const say = texts.effects
  const to = wanted.to?.name ?? ''
  switch (act) {
    case 'rename':
      return { lines: [say.renamed], blocked: null }
    case 'amend':
      return { lines: [say.amended], blocked: null }
    case 'move':
      return { lines: [say.unitsMove(counts.subtree), say.tokens, say.history], blocked: null }
    case 'merge':
      return { lines: [say.childrenTo(counts.childrenText, to), say.peopleTo(counts.people, to), say.unitEnds(unit.name), say.background, say.history], blocked: null }
    case 'close':
      return {
        lines: [say.unitEnds(unit.name), say.peopleLeave(counts.people), say.tasksUp(parent || none), say.background, say.history],
        blocked: counts.children ? say.blocked(counts.childrenText) : null,
      }
    case 'split':
      return { lines: [say.newUnit(wanted.name), ...(wanted.children.length ? [say.childrenMove(number(wanted.children.length), wanted.name), say.tokens, say.history] : [])], blocked: null }
    case 'create':
      return { lines: [say.newUnit(wanted.name)], blocked: null }
  }
}
