/** Units as the tree shows them, from the address book of Office: what this person may see. */
import { office, take } from '@/api/client'

export interface TreeUnit {
  id: string
  name: string
  code: string
  level: string
  /** Units directly below; null: unknown. */
  children: number | null
  above: string[]
}

export interface Children {
  items: TreeUnit[]
  next: string | null
}

const PAGE = 50

export async function childrenOf(unitId: string, cursor?: string): Promise<Children> {
  const page = await take(
    office.GET('/contacts/units/{unit_id}/children', { params: { path: { unit_id: unitId }, query: { limit: PAGE, cursor } } }),
  )
  return {
    items: page.items.map((one) => ({ id: one.id, name: one.name, code: one.code, level: one.level, children: one.figures?.children ?? null, above: [] })),
    next: page.next ?? null,
  }
}

export async function findUnits(words: string, under?: string): Promise<TreeUnit[]> {
  const page = await take(office.GET('/units', { params: { query: { q: words, under, limit: 20 } } }))
  return page.items.map((one) => ({
    id: one.id,
    name: one.name,
    code: one.code,
    level: one.level,
    children: null,
    above: one.ancestors.map((unit) => unit.name),
  }))
}
