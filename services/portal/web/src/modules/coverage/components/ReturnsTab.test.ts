import userEvent from '@testing-library/user-event'
import { render, screen, within } from '@testing-library/vue'
import { createMemoryHistory, createRouter } from 'vue-router'
import { beforeEach, expect, test, vi } from 'vitest'
import { texts as common } from '@/texts'
import * as api from '../api'
import { coverageTexts as texts } from '../texts'
import ReturnsTab from './ReturnsTab.vue'

const line = { unit_id: 'u', unit: { id: 'u', name: 'U', code: '1' }, number: 1, reason: 'R', returned_by_name: 'B', returned_at: '2023-04-27T01:00:00Z', status: 'open' }
vi.mock('../api', async (original) => ({
  ...(await original<typeof api>()),
  listReturns: vi.fn(() => Promise.resolve({ items: [line], next: null, total: null })),
  decideReturn: vi.fn(),
}))

beforeEach(async () => {
  sessionStorage.clear()
  const router = createRouter({ history: createMemoryHistory(), routes: [{ path: '/', component: {} }] })
  await router.push('/')
  render(ReturnsTab, { props: { noticeId: 'n', mayDecide: true }, global: { plugins: [router] } })
})

const open = async (name: string): Promise<HTMLTextAreaElement> => {
  await userEvent.click(await screen.findByRole('button', { name }))
  return within(screen.getByRole('dialog')).getByLabelText<HTMLTextAreaElement>(texts.note)
}
const press = (name: string): Promise<void> => userEvent.click(within(screen.getByRole('dialog')).getByRole('button', { name }))

test('what was sent is not there again, even if the dialog was closed before the answer came', async () => {
  let answer = (): void => undefined
  vi.mocked(api.decideReturn).mockReturnValueOnce(new Promise<void>((resolve) => (answer = resolve)) as never)
  await userEvent.type(await open(texts.confirmReturn), 'sent')
  await press(texts.confirmReturn)
  await press(common.cancel)
  const other = await open(texts.resend)
  answer()
  await vi.waitFor(() => expect(api.listReturns).toHaveBeenCalledTimes(2))
  expect(other.isConnected, 'the dialog that was opened meanwhile stays').toBe(true)
  await press(common.cancel)
  expect((await open(texts.confirmReturn)).value).toBe('')
})

test('what is typed for one decision is not taken for the other, and is said to be there again', async () => {
  await userEvent.type(await open(texts.confirmReturn), 'typed')
  await press(common.cancel)
  expect((await open(texts.resend)).value).toBe('')
  expect(screen.queryByText(common.draft.kept)).toBeNull()
  await press(common.cancel)
  const field = await open(texts.confirmReturn)
  expect(field.value).toBe('typed')
  expect(screen.getByText(common.draft.kept)).toBeTruthy()
  await press(common.draft.discard)
  expect(field.value).toBe('')
  expect(screen.queryByText(common.draft.kept)).toBeNull()
  await press(common.cancel)
  expect((await open(texts.confirmReturn)).value).toBe('')
})
