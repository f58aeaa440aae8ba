import userEvent from '@testing-library/user-event'
import { render, screen } from '@testing-library/vue'
import { createPinia } from 'pinia'
import { createMemoryHistory, createRouter } from 'vue-router'
import { beforeEach, expect, test, vi } from 'vitest'
import { useSession } from '@/session/store'
import * as api from '../api'
import AnswerPage from './AnswerPage.vue'
import { noticesTexts as texts } from '../texts'

const field = { key: 'a', label: 'A', type: 'text', required: false }
let version = 1
vi.mock('../api', async (original) => ({
  ...(await original<typeof api>()),
  getNotice: vi.fn(() => Promise.resolve({ id: 'n', title: 'N', body: '', status: 'published', given_back: null })),
  getAnswer: vi.fn(() => Promise.resolve({ etag: `"${version}"`, data: { version, number: 0, status: 'draft', deadline: '2999-01-01T00:00:00Z', form: { fields: [field], locked: false }, files: [], values: null, draft: { a: 'of a colleague' }, saved_by_name: 'C' } })),
  saveAnswer: vi.fn(() => new Promise(() => undefined)),
  submitAnswer: vi.fn(() => new Promise(() => undefined)),
}))

const KEPT = 'zhuxue:draft:answer:n'

async function open(): Promise<void> {
  const router = createRouter({ history: createMemoryHistory(), routes: [{ path: '/notices/:id/answer', component: AnswerPage }, { path: '/notices/:id', component: {} }] })
  await router.push('/notices/n/answer')
  const pinia = createPinia()
  useSession(pinia).me = { permissions: ['notices.receive'] } as never
  render(AnswerPage, { global: { plugins: [router, pinia] } })
}

beforeEach(() => sessionStorage.clear())

test('text of before an interruption does not replace what a colleague has saved since', async () => {
  sessionStorage.setItem(KEPT, JSON.stringify({ values: { a: 'typed' }, etag: '"1"' }))
  version = 2
  await open()
  expect((await screen.findByLabelText<HTMLInputElement>(/A/)).value).toBe('typed')
  expect(screen.getByText(new RegExp(texts.changedElsewhere))).toBeTruthy()
  await userEvent.click(screen.getByRole('button', { name: texts.submit }))
  expect(api.submitAnswer).not.toHaveBeenCalled()
})

test('an answer that was only looked at is not kept as typed text', async () => {
  await open()
  await screen.findByDisplayValue('of a colleague')
  window.dispatchEvent(new Event('pagehide'))
  expect(sessionStorage.getItem(KEPT)).toBeNull()
})
