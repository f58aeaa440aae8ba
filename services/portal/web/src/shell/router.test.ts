import { existsSync, readFileSync } from 'node:fs'
import { resolve } from 'node:path'
import { createPinia, setActivePinia } from 'pinia'
import { expect, test } from 'vitest'
import { createPortalRouter } from './router'

const docs = resolve(import.meta.dirname, '../../../../../docs')
const rows = [...readFileSync(resolve(docs, 'portal.md'), 'utf8').matchAll(/^\| [^|]+ \| `([^`]+)` \| (.*) \|$/gm)]

test('docs/portal.md shows every page on a desktop and on a phone; `make screenshots` writes it', () => {
  setActivePinia(createPinia())
  const pages = createPortalRouter().getRoutes().filter((one) => !one.redirect)
  expect(rows.map((row) => row[1]).sort()).toEqual(pages.map((one) => one.path).sort())
})

test('the pictures are there', () => {
  const pictures = rows.flatMap((row) => [...(row[2] ?? '').matchAll(/href="([^"]+)"/g)].map((found) => found[1] ?? ''))
  expect(pictures).toHaveLength(2 * rows.length)
  expect(pictures.filter((one) => !existsSync(resolve(docs, one)))).toEqual([])
})
