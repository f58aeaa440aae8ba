import userEvent from '@testing-library/user-event'
import { render, screen } from '@testing-library/vue'
import { expect, test, vi } from 'vitest'
import { texts } from '@/texts'
import UnitTreePicker from './UnitTreePicker.vue'

test('a search that fails does not say that there is no such unit', async () => {
  vi.stubGlobal('fetch', (request: Request) =>
    request.url.includes('q=') ? Promise.reject(new TypeError()) : Promise.resolve(new Response('{"items":[]}', { headers: { 'content-type': 'application/json' } })),
  )
  const root = { id: 'r', name: 'R', code: '', level: 'county', children: 0, above: [] }
  render(UnitTreePicker, { props: { root, label: 'L', modelValue: [] } })
  await userEvent.click(screen.getByRole('button', { name: /^L/ }))
  await userEvent.type(screen.getByRole('searchbox'), 'a')
  expect((await screen.findByRole('alert')).textContent).toBe(texts.tree.failed)
  expect(screen.queryByText(texts.tree.noResult)).toBeNull()
  expect(screen.getByRole('tree')).toBeTruthy()
})

test('what was found takes the place of the tree', async () => {
  vi.stubGlobal('fetch', () => Promise.resolve(new Response('{"items":[]}', { headers: { 'content-type': 'application/json' } })))
  const root = { id: 'r', name: 'R', code: '', level: 'county', children: 0, above: [] }
  render(UnitTreePicker, { props: { root, label: 'L', modelValue: [] } })
  await userEvent.click(screen.getByRole('button', { name: /^L/ }))
  expect(screen.getByRole('tree')).toBeTruthy()
  await userEvent.type(screen.getByRole('searchbox'), 'a')
  await screen.findByText(texts.tree.noResult)
  expect(screen.queryByRole('tree')).toBeNull()
  await userEvent.clear(screen.getByRole('searchbox'))
  expect(await screen.findByRole('tree')).toBeTruthy()
})
