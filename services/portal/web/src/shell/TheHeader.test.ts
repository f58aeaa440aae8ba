import { render, screen } from '@testing-library/vue'
import userEvent from '@testing-library/user-event'
import { createPinia, setActivePinia } from 'pinia'
import { beforeEach, expect, test, vi } from 'vitest'
import { createMemoryHistory, createRouter } from 'vue-router'
import { type Me, useSession } from '@/session/store'
import { texts } from '@/texts'
import TheHeader from './TheHeader.vue'

beforeEach(() => {
  setActivePinia(createPinia())
  const memberships = ['A', 'B'].map((one) => ({ unit_id: one, unit_name: `Unit ${one}` }))
  useSession().me = { name: 'P', roles: [], platform_role: null, unit_id: 'A', memberships, permissions: [] } as unknown as Me
  vi.stubGlobal('fetch', () => Promise.reject(new TypeError('no network')))
})

async function show(): Promise<void> {
  const router = createRouter({ history: createMemoryHistory(), routes: [{ path: '/', component: { template: '' } }] })
  await router.push('/')
  render(TheHeader, { props: { opened: false, framed: false }, global: { plugins: [router] } })
}

test('who could not be signed out is told', async () => {
  await show()
  const button = screen.getByRole<HTMLButtonElement>('button', { name: texts.signOut })
  await userEvent.click(button)
  expect((await screen.findByRole('alert')).textContent).toBe(texts.problems.offline)
  expect(button.disabled).toBe(false)
})

test('a unit that could not be switched to is not shown as the one acted for', async () => {
  await show()
  const select = screen.getByLabelText<HTMLSelectElement>(texts.switchUnit)
  await userEvent.selectOptions(select, 'B')
  expect((await screen.findByRole('alert')).textContent).toBe(texts.problems.offline)
  expect(select.value).toBe('A')
})
