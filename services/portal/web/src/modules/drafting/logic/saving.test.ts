import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import { effectScope, nextTick, type EffectScope } from 'vue'
import { ApiProblem } from '@/api/problems'
import { forgetDrafts } from '@/composables/draft'
import * as api from '../api'
import { formOf } from './form'
import { useDrafting, type Drafting } from './saving'

const ME = 'me'
let stored: api.OwnNotice
let scopes: EffectScope[]

const notice = (more: Partial<api.OwnNotice>): api.OwnNotice =>
  ({
    id: 'n', status: 'draft', kind: 'notice', urgency: 'normal', title: 'T', body: '<p>B</p>', version: 1, attachments: [], salutation: null, copies: null, remark: null, printing_office: null,
    number_prefix: null, deadline: null, deadline_workdays: null, supersedes_id: null, updated_by: ME, updated_at: '2023-04-27T01:00:00Z',
    recipients: { reach: 'children', levels: [], kinds: [], stages: [], onward: true, units: [], groups: [] }, recipient_units: [], recipient_groups: [],
    ...more,
  }) as api.OwnNotice

/** Office, as far as it matters here: versions, and the check of the version that was seen. */
function office(): void {
  vi.spyOn(api, 'getOwn').mockImplementation(() => Promise.resolve(stored))
  vi.spyOn(api, 'joinEditing').mockImplementation(() => Promise.resolve({ version: stored.version, editors: [] }))
  vi.spyOn(api, 'leaveEditing').mockResolvedValue(undefined)
  vi.spyOn(api, 'saveDraft').mockImplementation((_, body, version) => {
    if (version !== stored.version) return Promise.reject(new ApiProblem(412, 'version_changed', 'T', 'Changed'))
    stored = { ...stored, title: body.title ?? '', body: body.body ?? '', version: version + 1 }
    return Promise.resolve(stored)
  })
}

async function tab(): Promise<{ drafting: Drafting; leave: () => void }> {
  const scope = effectScope()
  scopes.push(scope)
  const drafting = scope.run(() => useDrafting('n', ME))
  if (!drafting) throw new Error('no scope')
  await drafting.load()
  await nextTick()
  return { drafting, leave: () => scope.stop() }
}

const titled = async (one: Drafting, title: string): Promise<void> => {
  one.work.value.form.title = title
  await nextTick()
}

beforeEach(() => {
  forgetDrafts('a')
  stored = notice({})
  scopes = []
  vi.useFakeTimers()
  office()
})
afterEach(() => {
  scopes.forEach((one) => one.stop())
  vi.useRealTimers()
})

test('a draft saves itself after a pause', async () => {
  const { drafting } = await tab()
  await titled(drafting, 'New')
  expect(drafting.state.value).toBe('waiting')
  await vi.advanceTimersByTimeAsync(1_500)
  expect([drafting.state.value, stored.title, drafting.unsaved.value]).toEqual(['saved', 'New', false])
  expect(sessionStorage.getItem('zhuxue:draft:notice:n')).toBeNull()
})

test('of two tabs the later one is told, keeps its text, and may replace the other version', async () => {
  const first = await tab()
  const second = await tab()
  await titled(first.drafting, 'First')
  expect(await first.drafting.flush()).toBe(true)
  await titled(second.drafting, 'Second')
  expect(await second.drafting.flush()).toBe(false)
  expect([second.drafting.state.value, second.drafting.other.value?.title, second.drafting.work.value.form.title]).toEqual(['conflict', 'First', 'Second'])
  expect(stored.title).toBe('First')
  expect(await second.drafting.keepMine()).toBe(true)
  expect(stored.title).toBe('Second')
  await titled(first.drafting, 'Third')
  await first.drafting.flush()
  first.drafting.takeOther()
  expect(first.drafting.work.value.form.title).toBe('Second')
  first.drafting.undo.value?.()
  expect(first.drafting.work.value.form.title).toBe('Third')
})

test('without a connection the text stays, is there after a reload, and is saved later', async () => {
  const one = await tab()
  vi.mocked(api.saveDraft).mockRejectedValueOnce(ApiProblem.offline())
  await titled(one.drafting, 'Typed')
  expect(await one.drafting.flush()).toBe(false)
  expect(one.drafting.state.value).toBe('offline')
  window.dispatchEvent(new Event('pagehide'))
  one.leave()
  const again = await tab()
  expect([again.drafting.restored.value, again.drafting.work.value.form.title]).toEqual([true, 'Typed'])
  await vi.advanceTimersByTimeAsync(100)
  expect([again.drafting.state.value, stored.title]).toEqual(['saved', 'Typed'])
})

test('text of before an interruption does not replace a newer version by itself', async () => {
  const one = await tab()
  vi.mocked(api.saveDraft).mockRejectedValueOnce(ApiProblem.offline())
  await titled(one.drafting, 'Typed')
  await one.drafting.flush()
  one.leave()
  stored = notice({ version: 5, title: 'Newer', updated_by: 'other' })
  const again = await tab()
  expect([again.drafting.state.value, again.drafting.work.value.form.title, again.drafting.other.value?.title]).toEqual(['conflict', 'Typed', 'Newer'])
})

test('a save whose answer was lost is no conflict', async () => {
  const { drafting } = await tab()
  const office = vi.mocked(api.saveDraft).getMockImplementation()
  vi.mocked(api.saveDraft).mockImplementationOnce(async (...given) => {
    await office?.(...given)
    throw ApiProblem.offline()
  })
  await titled(drafting, 'Sent')
  await drafting.flush()
  expect(await drafting.flush()).toBe(true)
  expect([drafting.state.value, drafting.work.value.version]).toEqual(['saved', 2])
})

test('a class of secrecy is never sent', async () => {
  const { drafting } = await tab()
  drafting.work.value.form.secrecy = 'secret'
  await titled(drafting, 'Secret')
  expect(await drafting.flush()).toBe(false)
  expect(drafting.state.value).toBe('classified')
  expect(api.saveDraft).not.toHaveBeenCalled()
})

test('the form gives Office what it got', () => {
  const own = notice({ deadline_workdays: 5, deadline: null, attachments: [{ name: 'A', note: null, file_id: null }] })
  expect(formOf(own)).toMatchObject({ due: 'workdays', workdays: 5, attachments: [{ name: 'A', note: '' }] })
})
