import { afterEach, expect, test, vi } from 'vitest'
import { effectScope, nextTick, ref } from 'vue'
import { forgetDrafts, useDraft, type Draft } from './draft'

interface Text {
  title: string
  body: string
}

/** A page with a draft, until `leave`. */
function page(): { content: ReturnType<typeof ref<Text>>; draft: Draft; leave: () => void } {
  const scope = effectScope()
  const content = ref<Text>({ title: '', body: '' })
  const draft = scope.run(() => useDraft('notice', content))
  if (!draft) throw new Error('no draft')
  return { content, draft, leave: () => scope.stop() }
}

// Somebody is signed in for the tests of other files.
afterEach(() => forgetDrafts('a'))

test('typed text is there again after the page was left in any way', async () => {
  forgetDrafts('a')
  const first = page()
  first.content.value = { title: 'T', body: '' }
  await nextTick()
  // Before the pause after which it is kept: the browser goes to sign in.
  window.dispatchEvent(new Event('pagehide'))
  first.leave()
  const second = page()
  expect(second.draft.restored.value).toBe(true)
  expect(second.content.value).toEqual({ title: 'T', body: '' })
})

test('it is kept while somebody types', async () => {
  vi.useFakeTimers()
  forgetDrafts('a')
  const one = page()
  one.content.value = { title: 'T', body: 'B' }
  await nextTick()
  vi.advanceTimersByTime(300)
  expect(sessionStorage.getItem('zhuxue:draft:notice')).toContain('B')
  one.draft.forget()
  one.leave()
  expect(sessionStorage.getItem('zhuxue:draft:notice')).toBeNull()
  vi.useRealTimers()
})

test('what the page has loaded itself is not taken for typed text at the next visit', async () => {
  forgetDrafts('a')
  const first = page()
  first.content.value = { title: 'of the service', body: '' }
  first.draft.forget()
  await nextTick()
  first.leave()
  const second = page()
  expect(second.draft.restored.value).toBe(false)
  second.content.value = { title: 'typed', body: '' }
  await nextTick()
  second.leave()
  expect(page().draft.restored.value).toBe(true)
})

test('nothing is kept after a sign-out, in whichever tab it was', async () => {
  forgetDrafts('a')
  const one = page()
  one.content.value = { title: 'T', body: '' }
  await nextTick()
  forgetDrafts(null)
  window.dispatchEvent(new Event('pagehide'))
  one.leave()
  expect(Object.keys(sessionStorage)).toEqual([])
})

test('the next person at the same browser does not find it', () => {
  forgetDrafts('a')
  sessionStorage.setItem('zhuxue:draft:notice', '{"title":"T"}')
  forgetDrafts('a')
  expect(page().draft.restored.value).toBe(true)
  forgetDrafts('b')
  expect(page().draft.restored.value).toBe(false)
  sessionStorage.setItem('zhuxue:draft:notice', '{"title":"T"}')
  forgetDrafts(null)
  expect(page().draft.restored.value).toBe(false)
})
