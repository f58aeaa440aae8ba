import userEvent from '@testing-library/user-event'
import { render, screen, within } from '@testing-library/vue'
import { expect, test } from 'vitest'
import UnitTree from './UnitTree.vue'
import type { Children, TreeUnit } from './tree'

const unit = (id: string, children: number): TreeUnit => ({ id, name: `U${id}`, code: id, level: 'city', children, above: [] })
const below: Record<string, Children[]> = {
  '0': [{ items: [unit('1', 1), unit('2', 0)], next: 'c' }, { items: [unit('3', 0)], next: null }],
  '1': [{ items: [unit('11', 0)], next: null }],
}
const asked: string[] = []
const load = (id: string, cursor?: string): Promise<Children> => {
  asked.push(cursor ? `${id}+${cursor}` : id)
  const found = below[id]?.[cursor ? 1 : 0]
  return found ? Promise.resolve(found) : Promise.reject(new Error(id))
}

test('a branch is loaded when it is opened, by keyboard, and the focus moves as in a tree', async () => {
  const user = userEvent.setup()
  const { emitted } = render(UnitTree, { props: { root: unit('0', 3), label: 'T', load, chosen: ['2'] } })
  await screen.findByText('U1')
  expect(asked).toEqual(['0'])
  const items = screen.getAllByRole('treeitem')
  expect(items.map((one) => one.getAttribute('aria-level'))).toEqual(['1', '2', '2', '2'])
  expect(within(screen.getByRole('tree')).getByText('U2').closest('li')?.getAttribute('aria-selected')).toBe('true')
  await user.tab()
  expect(document.activeElement?.textContent).toContain('U0')
  await user.keyboard('{ArrowDown}{ArrowRight}')
  await screen.findByText('U11')
  expect(asked).toEqual(['0', '1'])
  await user.keyboard('{ArrowRight}{Enter}')
  expect(emitted('choose')).toEqual([[unit('11', 0)]])
  await user.keyboard('{ArrowLeft}{ArrowLeft}')
  expect(screen.queryByText('U11')).toBeNull()
  await user.keyboard('{End}{Enter}')
  await screen.findByText('U3')
  expect(asked).toEqual(['0', '1', '0+c'])
  // The line that asked for more is gone.
  expect(document.activeElement?.textContent).toContain('U3')
})

test('a branch that did not come is asked for again, and the tree can always be entered', async () => {
  const user = userEvent.setup()
  let fails = true
  const flaky = (id: string, cursor?: string): Promise<Children> => (id === '1' && fails ? Promise.reject(new Error(id)) : load(id, cursor))
  const { container } = render(UnitTree, { props: { root: unit('0', 3), label: 'T', load: flaky } })
  await screen.findByText('U1')
  const twist = (): Element => container.querySelectorAll('.twist')[1] as Element
  await user.click(twist())
  await screen.findByRole('alert')
  fails = false
  await user.click(twist())
  await user.click(twist())
  await user.click(await screen.findByText('U11'))
  expect(screen.queryByRole('alert')).toBeNull()
  await user.click(twist())
  expect(container.querySelectorAll('[tabindex="0"]')).toHaveLength(1)
})
