import { fireEvent, render, screen, waitFor } from '@testing-library/vue'
import { expect, test, vi } from 'vitest'
import { computed, ref, shallowRef } from 'vue'
import { createMemoryHistory, createRouter } from 'vue-router'
import { ApiProblem } from '@/api/problems'
import { type Loading, useLoading } from '@/composables/loading'
import type { Page } from '@/composables/pages'
import DataTable, { type Column } from './DataTable.vue'

const columns: Column[] = [
  { key: 'name', label: 'N', sort: 'name', direction: 'ascending', opposite: '-name' },
  { key: 'age', label: 'A', sort: 'age' },
]

interface Row {
  id: string
}

function loaded(): Loading<Page<Row>> {
  const data = shallowRef<Page<Row> | null>({ items: [{ id: 'a' }] })
  return { data, problem: shallowRef(null), busy: ref(false), load: () => Promise.resolve(), kept: computed(() => true), turn: () => undefined }
}

async function table(sort: string, state = loaded()) {
  const router = createRouter({ history: createMemoryHistory(), routes: [{ path: '/', component: {} }] })
  await router.push('/')
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

test('a reload that fails for now is told above the rows; a refusal, and a page that was turned to, take their place', async () => {
  const call = vi.fn(() => Promise.resolve<Page<Row>>({ items: [{ id: 'a' }] }))
  const state = useLoading(call)
  await table('name', state)
  const fail = async (status: number): Promise<void> => {
    call.mockRejectedValueOnce(new ApiProblem(status, 'x', 'T', 'D'))
    await state.load()
  }
  await fail(503)
  expect(screen.queryByRole('table')).toBeNull()
  await state.load()
  await fail(503)
  expect(await screen.findByRole('alert')).toBeTruthy()
  expect(screen.getByRole('table')).toBeTruthy()
  await fail(403)
  await waitFor(() => expect(screen.queryByRole('table')).toBeNull())
  await state.load()
  await waitFor(() => expect(screen.queryByRole('alert')).toBeNull())
  state.turn()
  await fail(0)
  await waitFor(() => expect(screen.queryByRole('table')).toBeNull())
  expect(screen.getByRole('alert')).toBeTruthy()
})
