import { render, screen } from '@testing-library/vue'
import { afterEach, expect, test } from 'vitest'
import { texts } from '@/texts'
import ModalDialog from './ModalDialog.vue'

afterEach(() => document.body.replaceChildren())

function opened(): { opener: HTMLElement; close: () => void } {
  document.body.innerHTML = '<main id="main" tabindex="-1"><button>opener</button></main>'
  const opener = screen.getByText('opener')
  opener.focus()
  const dialog = render(ModalDialog, { props: { title: 'title' } })
  screen.getByText(texts.close).focus()
  return { opener, close: dialog.unmount }
}

test('the focus goes back to what opened the dialog', () => {
  const { opener, close } = opened()
  close()
  expect(document.activeElement).toBe(opener)
})

test('the focus goes to the page if what opened the dialog has gone', () => {
  const { opener, close } = opened()
  opener.remove()
  close()
  expect(document.activeElement).toBe(document.getElementById('main'))
})

test.each([false, true])('the focus goes back over a dialog that another one has followed, its button disabled: %s', (disabled) => {
  const { opener, close } = opened()
  if (disabled) screen.getByText(texts.close).blur()
  const next = render(ModalDialog, { props: { title: 'next' } })
  close()
  next.unmount()
  expect(document.activeElement).toBe(opener)
})
