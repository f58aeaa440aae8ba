import userEvent from '@testing-library/user-event'
import { render, screen, waitFor, within } from '@testing-library/vue'
import { createPinia, setActivePinia } from 'pinia'
import { beforeEach, expect, test, vi } from 'vitest'
import { h } from 'vue'
import { createMemoryHistory, createRouter, RouterView } from 'vue-router'
import { ApiProblem } from '@/api/problems'
import { useSession } from '@/session/store'
import { texts as common } from '@/texts'
import * as api from '../api'
import FormPage from './FormPage.vue'
import { draftingTexts } from '../texts'

const texts = draftingTexts.form
type Form = NonNullable<Awaited<ReturnType<typeof api.getForm>>['data']>
type Fields = Form['fields']

const FIELDS: Fields = [
  { key: 'a', type: 'text', label: 'First', required: true, help: null, max_length: 500, multiline: false },
  { key: 'b', type: 'number', label: 'Second', required: false, help: null, decimals: 0, minimum: null, maximum: null, unit: null },
]
let stored: { fields: Fields; version: number }
const labels = (): string[] => stored.fields.map((one) => one.label)
const found = () => ({ data: stored.fields.length ? ({ fields: stored.fields, version: stored.version } as Form) : null, etag: `"${stored.version}"` })

/** Office, as far as it matters here: the version that was seen, and one rule. */
function office(status: api.Status = 'draft'): void {
  const check = (etag: string): void => {
    if (etag !== `"${stored.version}"`) throw new ApiProblem(412, 'version_changed', 'T', 'Changed')
  }
  vi.spyOn(api, 'getOwn').mockResolvedValue({ id: 'n', status, kind: 'notice', title: 'T' } as api.OwnNotice)
  vi.spyOn(api, 'getForm').mockImplementation(() => Promise.resolve(found()))
  vi.spyOn(api, 'putForm').mockImplementation((_, etag, fields) =>
    Promise.resolve().then(() => {
      check(etag)
      if (fields[0]?.label === 'refused') throw new ApiProblem(422, 'invalid_shape', 'T', 'D', [{ pointer: '/fields/0/label', detail: 'Not this name' }])
      stored = { fields: fields as Fields, version: stored.version + 1 }
      return { data: found().data as Form, etag: found().etag }
    }),
  )
  vi.spyOn(api, 'deleteForm').mockImplementation((_, etag) =>
    Promise.resolve().then(() => {
      check(etag)
      stored = { fields: [], version: 0 }
      return undefined as never
    }),
  )
}

async function opened() {
  const user = userEvent.setup()
  const pinia = createPinia()
  setActivePinia(pinia)
  useSession().me = { sub: 'me', unit_id: 'u', permissions: ['notices.draft'] } as never
  const away = { render: () => h('p', 'Away') }
  const router = createRouter({ history: createMemoryHistory(), routes: [{ path: '/form/:id', component: FormPage }, { path: '/:rest(.*)*', component: away }] })
  await router.push('/form/n')
  render(RouterView, { global: { plugins: [pinia, router] } })
  await screen.findByRole('heading', { level: 1 })
  await screen.findByRole('region', { name: texts.preview })
  return { user, router }
}
const button = (name: string): HTMLElement => screen.getByRole('button', { name })
/** Saves without waiting for the pause after the last key. */
async function save(user: ReturnType<typeof userEvent.setup>): Promise<void> {
  await user.keyboard('{Control>}s{/Control}')
}

beforeEach(() => {
  vi.restoreAllMocks()
  sessionStorage.clear()
  HTMLElement.prototype.setPointerCapture = vi.fn()
  stored = { fields: FIELDS, version: 1 }
})

test('fields are added, filled in, moved by keys and saved; the preview shows them', async () => {
  office()
  const { user } = await opened()
  await user.click(button(texts.addOf(texts.types.choice ?? '')))
  await user.keyboard('Third')
  await user.type(screen.getByLabelText(new RegExp(`^${texts.options}`)), 'x\ny')
  await waitFor(() => expect(stored.fields[2]).toMatchObject({ label: 'Third', type: 'choice', options: ['x', 'y'] }), { timeout: 4_000 })
  expect(await screen.findByText(texts.saved)).toBeTruthy()
  const preview = screen.getByRole('region', { name: texts.preview })
  expect(within(preview).getByRole('option', { name: 'y' })).toBeTruthy()
  const grip = button(texts.grip(texts.numbered(3, 'Third')))
  grip.focus()
  await user.keyboard('{ArrowUp}{ArrowUp}{ArrowUp}')
  expect(document.activeElement).toBe(button(texts.grip(texts.numbered(1, 'Third'))))
  await user.click(button(texts.down(texts.numbered(2, 'First'))))
  await save(user)
  await waitFor(() => expect(labels()).toEqual(['Third', 'Second', 'First']))
})

test('a field is moved by dragging its handle, and one that was removed comes back', async () => {
  office()
  const { user } = await opened()
  const boxes = screen.getAllByRole('listitem')
  boxes.forEach((item, index) => (item.getBoundingClientRect = () => ({ top: index * 100, height: 100 }) as DOMRect))
  const grip = button(texts.grip(texts.numbered(1, 'First')))
  await user.pointer([{ keys: '[MouseLeft>]', target: grip }, { target: grip, coords: { clientY: 190 } }, { keys: '[/MouseLeft]', target: grip, coords: { clientY: 190 } }])
  await save(user)
  await waitFor(() => expect(labels()).toEqual(['Second', 'First']))
  await user.click(button(texts.remove(texts.numbered(1, 'Second'))))
  expect(document.activeElement).toBe(button(texts.undo))
  await user.keyboard('{Enter}')
  expect(button(texts.remove(texts.numbered(1, 'Second')))).toBeTruthy()
  await user.click(button(texts.clear))
  await waitFor(() => expect(stored).toEqual({ fields: [], version: 0 }))
  await user.click(button(texts.undoClear))
  await save(user)
  await waitFor(() => expect(labels()).toEqual(['Second', 'First']))
})

test('half a form is not sent, and whoever leaves with it is told what is lacking', async () => {
  office()
  const { user, router } = await opened()
  await user.click(button(texts.addOf(texts.types.number ?? '')))
  await user.click(button(texts.done))
  await user.click(await screen.findByText(common.cancel))
  expect(router.currentRoute.value.path).toBe('/form/n')
  expect(screen.getByText(texts.nameIt)).toBeTruthy()
  await user.click(button(texts.done))
  await user.click(await screen.findByText(texts.leave))
  await waitFor(() => expect(screen.getByText('Away')).toBeTruthy())
  expect(api.putForm).not.toHaveBeenCalled()
})

test('what Office refuses is said at its field', async () => {
  office()
  const { user } = await opened()
  await user.click(screen.getByRole('button', { expanded: false, name: /First/ }))
  const label = screen.getByLabelText(new RegExp(`^${texts.label}`))
  await user.clear(label)
  await user.type(label, 'refused')
  await save(user)
  await waitFor(() => expect(label.getAttribute('aria-invalid')).toBe('true'))
  expect(screen.getByText('Not this name')).toBeTruthy()
})

test('a form that somebody else has changed is not replaced before this person decides', async () => {
  office()
  const { user } = await opened()
  stored = { fields: [{ ...(FIELDS[0] as Fields[0]), label: 'Theirs' }], version: 2 }
  await user.click(button(texts.copy(texts.numbered(1, 'First'))))
  await save(user)
  await waitFor(() => expect(screen.getByText(texts.conflict)).toBeTruthy())
  expect(labels()).toEqual(['Theirs'])
  await user.click(button(texts.takeTheirs))
  expect(button(texts.remove(texts.numbered(1, 'Theirs')))).toBeTruthy()
  await user.click(button(texts.undoTake))
  await save(user)
  await waitFor(() => expect(labels()).toEqual(['First', texts.copyOf('First'), 'Second']))
})

test('after the draft was submitted, the form is only shown', async () => {
  office('reviewing')
  await opened()
  expect(await screen.findByText(texts.fixed)).toBeTruthy()
  expect(screen.queryByRole('button', { name: texts.done })).toBeNull()
  expect(within(screen.getByRole('region', { name: texts.preview })).getByLabelText(/First/)).toBeTruthy()
})
