import { render, screen, waitFor } from '@testing-library/vue'
import userEvent from '@testing-library/user-event'
import { afterEach, expect, test, vi } from 'vitest'
import { createMemoryHistory, createRouter } from 'vue-router'
import { searchTexts as texts } from '@/texts/search'
import SearchBox from './SearchBox.vue'

const page = { template: '<p />' }

function answer(url: string): object {
  if (url.includes('/units?')) return { items: [{ id: 'u1', name: 'U', ancestors: [{ name: 'A' }] }] }
  if (url.includes('/contacts/people?')) return { items: [{ sub: 'p1', name: 'P', unit_id: 'u1', unit_name: 'U', posts: [] }] }
  return { items: [{ id: 'n1', title: 'N', publisher: { name: 'C' } }] }
}

async function shown(): Promise<{ path: () => string; box: HTMLElement }> {
  vi.stubGlobal('fetch', (request: Request) =>
    Promise.resolve(new Response(JSON.stringify(answer(request.url)), { status: 200, headers: { 'content-type': 'application/json' } })),
  )
  HTMLElement.prototype.scrollIntoView = () => undefined
  const router = createRouter({ history: createMemoryHistory(), routes: [{ path: '/:rest(.*)*', component: page }] })
  await router.push('/tasks')
  render(SearchBox, { global: { plugins: [router] } })
  return { path: () => router.currentRoute.value.fullPath, box: screen.getByRole('combobox') }
}

afterEach(() => vi.unstubAllGlobals())

test('arrows choose among the suggestions and Enter goes there', async () => {
  const { path, box } = await shown()
  await userEvent.type(box, 'ab')
  await waitFor(() => expect(screen.getAllByRole('option')).toHaveLength(4))
  await userEvent.keyboard('{ArrowDown}{ArrowDown}')
  const chosen = screen.getByRole('option', { selected: true })
  expect(chosen.textContent).toContain('P')
  expect(box.getAttribute('aria-activedescendant')).toBe(chosen.id)
  await userEvent.keyboard('{Enter}')
  await waitFor(() => expect(path()).toBe('/contacts?unit=u1&person=p1'))
  expect(box.getAttribute('aria-expanded')).toBe('false')
})

test('Enter without a choice, and the last line, lead to all results; Escape closes', async () => {
  const { path, box } = await shown()
  await userEvent.type(box, 'ab')
  await waitFor(() => expect(box.getAttribute('aria-expanded')).toBe('true'))
  await userEvent.keyboard('{Escape}')
  expect(box.getAttribute('aria-expanded')).toBe('false')
  await userEvent.keyboard('{Enter}')
  await waitFor(() => expect(path()).toBe('/search?q=ab'))
})

test('one character finds no notices, and a kind that fails does not hide the others', async () => {
  const { box } = await shown()
  const asked: string[] = []
  vi.stubGlobal('fetch', (request: Request) => {
    asked.push(request.url)
    const bad = request.url.includes('/units?')
    return Promise.resolve(new Response(JSON.stringify(bad ? { code: 'x' } : answer(request.url)), { status: bad ? 403 : 200, headers: { 'content-type': 'application/json' } }))
  })
  await userEvent.type(box, 'a')
  await waitFor(() => expect(screen.getAllByRole('option')).toHaveLength(2))
  expect(asked.some((url) => url.includes('inbox'))).toBe(false)
})

test('a search that fails says so at once; the failure of an earlier one does not replace what was found since', async () => {
  const { box } = await shown()
  const held: (() => void)[] = []
  vi.stubGlobal('fetch', (request: Request) =>
    request.url.includes('q=ab') ? new Promise((_, reject) => held.push(() => reject(new TypeError()))) : Promise.reject(new TypeError()),
  )
  await userEvent.type(box, 'x')
  await waitFor(() => expect(box.getAttribute('aria-expanded')).toBe('true'))
  expect(screen.getByRole('option').textContent).toBe(texts.failed)
  await userEvent.clear(box)
  await userEvent.type(box, 'ab')
  await waitFor(() => expect(held.length).toBeGreaterThan(2))
  vi.stubGlobal('fetch', (request: Request) =>
    Promise.resolve(new Response(JSON.stringify(answer(request.url)), { status: 200, headers: { 'content-type': 'application/json' } })),
  )
  await userEvent.type(box, 'c')
  await waitFor(() => expect(screen.getAllByRole('option')).toHaveLength(4))
  held.forEach((fail) => fail())
  await new Promise((done) => setTimeout(done))
  expect(screen.getAllByRole('option')).toHaveLength(4)
})
