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

const catalogues = import.meta.glob<Record<string, unknown>>(['./*.ts', '!./*.test.ts', '../shell/texts.ts', '../modules/*/texts.ts'], { eager: true })

/** Whether a file uses an object as a whole, or parts of it by names that it works out: `texts.states[state]`. */
const whole = (text: string, name: string, before = ''): boolean => {
  const alias = new RegExp(`const (\\w+) = [\\w.]*\\b${name}$|\\b${name} as (\\w+)`, 'gm')
  if ([...text.matchAll(alias)].some((found) => text.includes(`${found[1] ?? found[2]}[`))) return true
  return new RegExp(`${before}\\b${name}\\b(?![.:])`).test(text.replace(alias, '').replace(/^import .*$/gm, ''))
}

test('every text of the catalogue is used somewhere', () => {
  const others = Object.entries(sources).flatMap(([path, text]) => (/\/texts(\.ts$|\/)/.test(path) ? [] : [text]))
  const unused: string[] = []
  // By its name after a dot, in the files that name what it is in.
  const look = (path: string, found: object, files: string[]): void => {
    for (const [key, value] of Object.entries(found)) {
      const named = files.filter((text) => new RegExp(`\\.${key}\\b`).test(text))
      if (!named.length) unused.push(`${path}.${key}`)
      else if (typeof value === 'object' && value !== null && !named.some((text) => whole(text, key, '\\.'))) look(`${path}.${key}`, value, named)
    }
  }
  for (const [name, found] of Object.values(catalogues).flatMap((one) => Object.entries(one))) {
    if (typeof found !== 'object' || found === null) continue
    // `texts` is also what modules call theirs.
    const files = others.filter((text) => (name === 'texts' ? text.includes("from '@/texts'") : new RegExp(`\\b${name}\\b`).test(text)))
    if (name === 'texts' || !files.some((text) => whole(text, name))) look(name, found, files)
  }
  expect(unused).toEqual([])
})
