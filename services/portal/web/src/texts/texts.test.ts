import { expect, test } from 'vitest'
import { fromLocal, percent, time, toLocal, total } from './format'

const sources = import.meta.glob<string>(['../**/*.{ts,vue}', '!../**/*.test.ts', '!../api/generated/**'], { query: '?raw', import: 'default', eager: true })

test('words for people are in the catalogue: texts.ts of a module, or src/texts', () => {
  // Comments may name terms, such as 签收.
  const bare = (text: string): string => text.replace(/\/\*[\s\S]*?\*\/|\/\/.*$|<!--[\s\S]*?-->/gm, '')
  const found = Object.entries(sources).filter(([path, text]) => !/\/texts(\.ts$|\/)|^\.\/[a-z]+\.ts$/.test(path) && /[\u4e00-\u9fff]/.test(bare(text)))
  expect(found.map(([path]) => path)).toEqual([])
})

test('times are those of Beijing, wherever the computer is', () => {
  expect(time('2023-04-27T16:30:00Z')).toBe('2023-04-28 00:30')
  expect(toLocal('2023-04-27T16:30:00Z')).toBe('2023-04-28T00:30')
  expect(fromLocal('2023-04-28T00:30')).toBe('2023-04-27T16:30:00.000Z')
  expect(fromLocal('')).toBeNull()
})

test('a share is 100 % only when nothing is missing', () => {
  expect(percent(1015, 1016)).toBe('99.9%')
  expect(percent(999_999, 1_000_000)).toBe('99.9%')
  expect(percent(1016, 1016)).toBe('100%')
  expect(percent(0, 0)).toBe('—')
})

test('a count that stops at a limit says so', () => {
  expect(total({ count: 10_000, exact: false })).toBe('10,000+')
})

test('text of more than a line is kept over interruptions: by NoteField, or by a form that keeps its content', () => {
  // Parts of forms whose page keeps them.
  const parts = ['../components/RichTextEditor.vue', '../components/answers/CellInput.vue', '../modules/drafting/components/AskedCard.vue']
  const typed = Object.entries(sources).filter(([path, text]) => /<textarea|<RichTextEditor/.test(text) && !parts.includes(path))
  expect(typed.length).toBeGreaterThan(5)
  // A dialog loses a line as well: over a sign-in it closes. What is searched for is in the address.
  const asked = Object.entries(sources).filter(([, text]) => {
    const dialog = /<ModalDialog[\s\S]*<\/ModalDialog>/.exec(text)?.[0] ?? ''
    return /<input(?![^>]*type="(search|date|datetime-local|file|checkbox|radio)")[^>]*v-model="/.test(dialog)
  })
  expect(asked.length).toBeGreaterThan(5)
  expect([...typed, ...asked].filter(([, text]) => !/\buseDraft\(|\buseDrafting\(/.test(text)).map(([path]) => path)).toEqual([])
})
