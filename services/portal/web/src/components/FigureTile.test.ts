import { render, screen } from '@testing-library/vue'
import userEvent from '@testing-library/user-event'
import { expect, test } from 'vitest'
import { texts } from '@/texts'
import FigureTile from './FigureTile.vue'

const figure = { value: '12.50', display: '+12.50%', absent: null, suppressed: false }

test('the scope of a figure shows while its sign has the focus', async () => {
  render(FigureTile, { props: { name: 'N', scope: 'S', figure } })
  await userEvent.tab()
  expect(screen.getByRole('tooltip').textContent).toContain('S')
  await userEvent.keyboard('{Escape}')
  expect(screen.queryByRole('tooltip')).toBeNull()
})

test('a hidden figure says that it is hidden, and no change is judged', () => {
  const hidden = { value: null, display: '*', absent: 'suppressed', suppressed: true }
  render(FigureTile, { props: { name: 'N', scope: 'S', figure: hidden, comparisons: [{ label: 'Y', figure }] } })
  expect(screen.getByText(texts.figure.absent.suppressed ?? '')).toBeTruthy()
  expect(screen.getByText('+12.50%').closest('dd')?.className).toBe('up')
})
