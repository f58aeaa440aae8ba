import { render, screen } from '@testing-library/vue'
import { createPinia, setActivePinia } from 'pinia'
import { expect, test } from 'vitest'
import { createMemoryHistory, createRouter } from 'vue-router'
import { modules } from '@/modules'
import { type Me, useSession } from '@/session/store'
import { texts } from '@/texts'
import TheNavigation from './TheNavigation.vue'

test('a place whose pages come later says so before it is opened', async () => {
  setActivePinia(createPinia())
  useSession().me = { name: 'P', roles: [], platform_role: null, unit_id: 'A', memberships: [], permissions: [], entitlements: [], audiences: [] } as unknown as Me
  const router = createRouter({ history: createMemoryHistory(), routes: [{ path: '/:path(.*)*', component: { template: '' } }] })
  await router.push('/')
  render(TheNavigation, { props: { opened: true }, global: { plugins: [router] } })
  const planned = modules.flatMap((one) => one.places).filter((place) => place.planned)
  expect(planned.length).toBeGreaterThan(0)
  const marked = screen.getAllByRole('link').filter((link) => link.textContent?.includes(texts.planned))
  expect(marked.map((link) => link.getAttribute('href'))).toEqual(planned.map((place) => place.to))
})
