import { fireEvent, render, screen } from '@testing-library/vue'
import { expect, test } from 'vitest'
import { ref, shallowRef } from 'vue'
import { createMemoryHistory, createRouter } from 'vue-router'
import type { Page } from '@/composables/pages'
import DataTable, { type Column } from './DataTable.vue'

const columns: Column[] = [
  { key: 'name', label: 'N', sort: 'name', direction: 'ascending', opposite: '-name' },
  { key: 'age', label: 'A', sort: 'age' },
]

async function table(sort: string) {
  const router = createRouter({ history: createMemoryHistory(), routes: [{ path: '/', component: {} }] })
  await router.push('/')
  const data = shallowRef<Page<{ id: string }> | null>({ items: [{ id: 'a' }] })
  const state = { data, problem: shallowRef(null), busy: ref(false), load: () => Promise.resolve() }
  return render(DataTable, {
    props: { caption: 'T', columns, rows: [{ id: 'a' }], rowKey: (row: object) => (row as { id: string }).id, state, number: 1, hasNext: false, sort },
    global: { plugins: [router] },
  })
}

test('a heading orders by its column, and the other way when it does already', async () => {
  const { emitted, unmount } = await table('name')
  const heads = screen.getAllByRole('columnheader')
  expect(heads.map((one) => one.getAttribute('aria-sort'))).toEqual(['ascending', null])
  await fireEvent.click(screen.getByRole('button', { name: 'N' }))
  await fireEvent.click(screen.getByRole('button', { name: 'A' }))
  expect(emitted('sort')).toEqual([['-name'], ['age']])
  unmount()
  await table('-name')
  expect(screen.getAllByRole('columnheader')[0]?.getAttribute('aria-sort')).toBe('descending')
})
