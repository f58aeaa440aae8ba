import { expect, test } from 'vitest'
import type { RoleRow, Unit } from '../api'
import { type Act, differences, effects, type Wanted } from './changes'
import { administrationTexts } from '../texts'
import { grantable } from './roles'

const texts = administrationTexts.units
const unit = { id: 'u', name: 'U', short_name: 'u', code: 'C', level: 'county', kind: 'student_aid', stages: ['preschool'], region_code: null, duty_phone: null, address: null, status: 'active' } as unknown as Unit
const wanted = (changes: Partial<Wanted>): Wanted => ({
  name: 'U', shortName: 'u', code: '', level: '', kind: '', stages: ['preschool'], region: '', dutyPhone: '', address: '', to: null, children: [], reason: '', document: '', effective: '', ...changes,
})
const counts = (children: number) => ({ subtree: '12', children, childrenText: String(children), people: '3' })
const label = (_vocabulary: string, code: string): string => code
const lines = (act: Act, changes: Partial<Wanted>) => differences(act, unit, 'P', wanted(changes), label)

test('the preview has what differs, and nothing else', () => {
  expect(lines('rename', { name: 'N' })).toEqual([{ item: texts.name, before: 'U', after: 'N' }])
  expect(lines('amend', { dutyPhone: '12345' })).toEqual([{ item: texts.dutyPhone, before: texts.noParent, after: '12345' }])
  expect(lines('move', { to: { id: 't', name: 'T' } })).toEqual([{ item: texts.parent, before: 'P', after: 'T' }])
})

test('a unit with units below it cannot be closed, and the preview says how many', () => {
  const say = texts.effects
  expect(effects('close', unit, 'P', wanted({}), counts(2)).blocked).toBe(say.blocked('2'))
  const free = effects('close', unit, 'P', wanted({}), counts(0))
  expect(free.blocked).toBeNull()
  expect(free.lines).toEqual(expect.arrayContaining([say.unitEnds('U'), say.peopleLeave('3'), say.tasksUp('P')]))
})

test('a move says how many units come along, a merger where units and people go', () => {
  const say = texts.effects
  expect(effects('move', unit, 'P', wanted({ to: { id: 't', name: 'T' } }), counts(2)).lines[0]).toBe(say.unitsMove('12'))
  expect(effects('merge', unit, 'P', wanted({ to: { id: 't', name: 'T' } }), counts(2)).lines.slice(0, 2)).toEqual([say.childrenTo('2', 'T'), say.peopleTo('3', 'T')])
})

test('a role can be granted by those who have, or may pass on, all that it permits', () => {
  const role = (code: string, permissions: string[], mayGrant: string[] = []): RoleRow => ({ code, name: code, permissions, may_grant: mayGrant, built_in: true, retired_at: null }) as unknown as RoleRow
  const known = [role('admin', ['members.admit'], ['notices.issue']), role('handler', ['members.admit']), role('approver', ['notices.issue']), role('auditor', ['audit.read'])]
  expect(grantable(['admin'], known).map((one) => one.code)).toEqual(['admin', 'handler', 'approver'])
  expect(grantable(['handler'], known).map((one) => one.code)).toEqual(['admin', 'handler'])
  expect(grantable([], known)).toEqual([])
})
