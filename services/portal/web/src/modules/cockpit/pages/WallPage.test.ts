import { render, screen, waitFor } from '@testing-library/vue'
import { createMemoryHistory, createRouter } from 'vue-router'
import { expect, test, vi } from 'vitest'
import { ApiProblem } from '@/api/problems'
import * as api from '../api'
import { cockpitTexts as texts } from '../texts'
import WallPage from './WallPage.vue'

vi.mock('../api', () => ({ getView: vi.fn() }))
// The real one brings the charts and maps.
vi.mock('../components/WallBoard.vue', () => ({ default: { props: ['view', 'stale'], template: '<div><slot name="nav" /><slot v-if="!view" /></div>' } }))

test('the module that is named is the one whose figures are shown', async () => {
  const router = createRouter({ history: createMemoryHistory(), routes: [{ path: '/:rest(.*)*', component: {} }] })
  await router.push('/cockpit/wall?module=overview')
  const get = vi.mocked(api.getView)
  get.mockImplementation((module) => Promise.resolve({ module, period_title: module } as never))
  render(WallPage, { global: { plugins: [router] } })
  await screen.findByText('overview')
  const named = (): string | undefined => screen.getAllByRole('link').find((one) => one.getAttribute('aria-current') === 'page' && one.className.includes('turn'))?.textContent
  get.mockRejectedValueOnce(ApiProblem.offline())
  await router.push('/cockpit/wall?module=funds')
  await waitFor(() => expect(get).toHaveBeenCalledTimes(2))
  expect(named()).toBe(texts.modules.overview)
  await router.push('/cockpit/wall?module=students')
  await screen.findByText('students')
  expect(named()).toBe(texts.modules.students)
})
