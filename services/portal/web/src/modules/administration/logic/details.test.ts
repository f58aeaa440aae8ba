import { expect, test } from 'vitest'
import { texts as common } from '@/texts'
import { administrationTexts } from '../texts'
import { detailsOf } from './details'

test('details have words, and their own name where there is none', () => {
  const { fields } = administrationTexts.audit
  const found = detailsOf({ in_person: true, roles: ['a', 'b'], reason: 'R', size: 3, unheard_of: null, of: { a: 1 } })
  expect(found.map((one) => [one.label, one.value])).toEqual([
    [fields.in_person, common.yes],
    [fields.roles, 'a、b'],
    [fields.reason, 'R'],
    [fields.size, '3'],
    ['unheard_of', common.none],
    ['of', '{"a":1}'],
  ])
})
