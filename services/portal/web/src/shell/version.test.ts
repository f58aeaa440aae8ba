import { createPinia, setActivePinia } from 'pinia'
import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import { entryOf, useVersion } from './version'

const page = (entry: string): string => `<!doctype html><script type="module" crossorigin src="${entry}"></script><div id="app"></div>`
const answers = (html: string | null): void => {
  vi.stubGlobal('fetch', () => (html === null ? Promise.reject(new TypeError('offline')) : Promise.resolve(new Response(html))))
}

beforeEach(() => {
  sessionStorage.clear()
  document.head.innerHTML = '<script type="module" src="/assets/index-a.js"></script>'
  setActivePinia(createPinia())
})

afterEach(() => (document.head.innerHTML = ''))

test('the version of a page is the address of its program', () => {
  expect(entryOf(page('/assets/index-a.js'))).toBe('/assets/index-a.js')
  expect(entryOf('<p>503</p>')).toBeNull()
})

test('people are told of a new version, and of nothing else', async () => {
  const version = useVersion()
  for (const same of [page('/assets/index-a.js'), '<p>503</p>', null]) {
    answers(same)
    await version.look()
    expect(version.notice).toBe('')
  }
  answers(page('/assets/index-b.js'))
  await version.look()
  expect(version.notice).toBe('newer')
})

test('a page that does not open says why', async () => {
  const version = useVersion()
  answers(null)
  await version.missed('/tasks')
  expect(version.notice).toBe('offline')
  answers(page('/assets/index-a.js'))
  await version.missed('/tasks')
  expect(version.notice).toBe('failed')
})
