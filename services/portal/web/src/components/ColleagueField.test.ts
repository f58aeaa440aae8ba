import userEvent from '@testing-library/user-event'
import { render, screen } from '@testing-library/vue'
import { beforeEach, expect, test, vi } from 'vitest'
import { defineComponent, ref } from 'vue'
import { texts } from '@/texts'
import ColleagueField from './ColleagueField.vue'
import type { Colleague } from './colleagues'

const person = (sub: string, unit_id = 'u'): object => ({ sub, name: `N${sub}`, unit_id, posts: [], phone_masked: null })
let asked: URL[]
let submitted: number

beforeEach(() => {
  asked = []
  submitted = 0
  vi.stubGlobal('fetch', (request: Request) => {
    const url = new URL(request.url)
    asked.push(url)
    const listed = Array.from({ length: 50 }, (_, n) => person(String(n)))
    const pages: Record<string, object> = { '': { items: [person('b', 'below')], next: '2' }, 2: { items: [person('77')], next: null } }
    const answer = url.searchParams.has('q') ? pages[url.searchParams.get('cursor') ?? ''] : { items: listed, next: 'n' }
    return Promise.resolve(new Response(JSON.stringify(answer), { headers: { 'content-type': 'application/json' } }))
  })
})

test('of a large unit, people who do not fit are found by words, and stay chosen', async () => {
  const chosen = ref<Colleague | null>(null)
  const Form = defineComponent({
    components: { ColleagueField },
    setup: () => ({ chosen, submit: () => (submitted += 1) }),
    template: '<form @submit.prevent="submit"><ColleagueField v-model="chosen" unit="u" label="L" but="0" /></form>',
  })
  render(Form)
  const search = await screen.findByRole('searchbox', { name: texts.colleagues.find })
  const select = screen.getByRole<HTMLSelectElement>('combobox', { name: /L/ })
  expect([...select.options].map((one) => one.value)).toEqual(['', ...Array.from({ length: 49 }, (_, n) => String(n + 1))])
  expect(asked[0]?.pathname).toBe('/api/office/v1/contacts/units/u/people')
  await userEvent.type(search, 'w{Enter}')
  await vi.waitFor(() => expect([...select.options].map((one) => one.value)).toEqual(['', '77']))
  expect(asked.slice(1).map((url) => [url.pathname, url.searchParams.get('q'), url.searchParams.get('unit_id'), Number(url.searchParams.get('limit')) <= 50])).toEqual([
    ['/api/office/v1/contacts/people', 'w', 'u', true],
    ['/api/office/v1/contacts/people', 'w', 'u', true],
  ])
  await userEvent.selectOptions(select, '77')
  expect([chosen.value, submitted]).toEqual([{ sub: '77', name: 'N77' }, 0])
  await userEvent.clear(search)
  await userEvent.type(search, '{Enter}')
  await vi.waitFor(() => expect(select.options.length).toBe(51))
  expect(select.value).toBe('77')
})
