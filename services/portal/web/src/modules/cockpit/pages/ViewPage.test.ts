import userEvent from '@testing-library/user-event'
import { render, screen, within } from '@testing-library/vue'
import { createMemoryHistory, createRouter } from 'vue-router'
import { expect, test, vi } from 'vitest'
import { ApiProblem } from '@/api/problems'
import { texts as common } from '@/texts'
import { time } from '@/texts/format'
import * as api from '../api'
import { cockpitTexts as texts } from '../texts'
import ViewPage from './ViewPage.vue'

vi.mock('../api', () => ({ getView: vi.fn() }))
const { plain } = vi.hoisted(() => ({ plain: { props: ['view'], template: '<p>{{ view?.period_title }}</p>' } }))
vi.mock('../components/ControlBar.vue', () => ({ default: { template: '<p></p>' } }))
vi.mock('../components/CockpitTabs.vue', () => ({ default: { template: '<p></p>' } }))
vi.mock('../components/TrendPanel.vue', () => ({ default: { template: '<p></p>' } }))
vi.mock('../components/KeyFigures.vue', () => ({ default: plain }))

const AT = '2026-03-02T01:00:00Z'
const view = (period: string): never =>
  ({ module: 'funds', title: 'F', place: { name: 'P' }, period_title: period, as_of: AT, available: [{ periods: [1] }], children: [], funnel: [], breakdowns: [], key_figures: [], trend: {}, months: null }) as never

test('the last figures stay, with their time, while others could not be had for now', async () => {
  const router = createRouter({ history: createMemoryHistory(), routes: [{ path: '/:rest(.*)*', component: {} }] })
  await router.push('/cockpit/funds?period=a')
  const get = vi.mocked(api.getView)
  get.mockResolvedValueOnce(view('first'))
  render(ViewPage, { props: { module: 'funds' }, global: { plugins: [router] } })
  await screen.findByText('first')
  get.mockRejectedValueOnce(ApiProblem.offline())
  await router.push('/cockpit/funds?period=b')
  const notice = await screen.findByRole('alert')
  expect(notice.textContent).toContain(texts.stale(time(AT)))
  expect(screen.getByText('first')).toBeTruthy()
  get.mockResolvedValueOnce(view('second'))
  await userEvent.click(within(notice).getByRole('button', { name: common.retry }))
  await screen.findByText('second')
  expect(screen.queryByRole('alert')).toBeNull()
  // What may not be seen is another matter.
  get.mockRejectedValueOnce(new ApiProblem(403, 'forbidden', 'T', 'D'))
  await router.push('/cockpit/funds?period=c')
  await screen.findByText(common.problems.forbiddenTitle)
  expect(screen.queryByText('second')).toBeNull()
})
