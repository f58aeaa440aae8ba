import userEvent from '@testing-library/user-event'
import { render, screen } from '@testing-library/vue'
import { createPinia } from 'pinia'
import { beforeEach, expect, test, vi } from 'vitest'
import InviteDialog from '../components/InviteDialog.vue'
import * as api from '../api'
import { daysLater, lastDay, periodOf, stateOf } from './delegating'
import type { Delegation } from '../api/standing'
import { administrationTexts as texts } from '../texts'

vi.mock('../api', async (original) => ({
  ...(await original<typeof import('../api')>()),
  listRoles: vi.fn(() => Promise.resolve([])),
  createInvite: vi.fn(() => new Promise(() => undefined)),
}))

beforeEach(() => vi.clearAllMocks())

test('two clicks make one invite', async () => {
  const user = userEvent.setup()
  render(InviteDialog, { props: { unit: 'u' }, global: { plugins: [createPinia()] } })
  const button = await screen.findByRole('button', { name: texts.invites.create })
  await user.dblClick(button)
  expect(api.createInvite).toHaveBeenCalledTimes(1)
})

const NOW = new Date('2026-12-01T02:00:00Z')

test('a delegation runs from now or a midnight to the end of its last day, in Beijing', () => {
  expect(periodOf('2026-12-01', '2026-12-07', NOW)).toEqual({ starts_at: NOW.toISOString(), ends_at: '2026-12-07T16:00:00.000Z' })
  expect(periodOf('2026-12-02', '2026-12-02', NOW)).toEqual({ starts_at: '2026-12-01T16:00:00.000Z', ends_at: '2026-12-02T16:00:00.000Z' })
  expect(daysLater('2026-12-31', 1)).toBe('2027-01-01')
  expect(lastDay({ ends_at: '2026-12-07T16:00:00Z' })).toBe('2026年12月7日')
})

test('what a delegation is now', () => {
  const one = { starts_at: '2026-12-01T00:00:00Z', ends_at: '2026-12-08T00:00:00Z', revoked_at: null, active: true } as Delegation
  const now = NOW.getTime()
  const states = [one, { ...one, active: false }, { ...one, revoked_at: '2026-12-01T01:00:00Z' }, { ...one, ends_at: '2026-12-01T01:00:00Z' }, { ...one, starts_at: '2026-12-02T00:00:00Z' }]
  expect(states.map((each) => stateOf(each, now))).toEqual(['running', 'void', 'ended', 'over', 'coming'])
})
