/** People of one unit, for choosing one of them. */
import { office, take, type Office } from '@/api/client'

export interface Colleague {
  sub: string
  name: string
}
export type FoundColleague = Office['schemas']['ContactOut']

/** Office gives at most so many at once. */
const PAGE = 50
/** Words may name many people of units below, who are left out. */
const PAGES = 4

/** Those whom `words` name; without words those at the head of the list. `more`: there are others. */
export async function colleaguesOf(unitId: string, words: string): Promise<{ items: FoundColleague[]; more: boolean }> {
  const page = (cursor?: string) =>
    words
      ? take(office.GET('/contacts/people', { params: { query: { q: words, unit_id: unitId, limit: PAGE, cursor } } }))
      : take(office.GET('/contacts/units/{unit_id}/people', { params: { path: { unit_id: unitId }, query: { limit: PAGE, cursor } } }))
  const items: FoundColleague[] = []
  let next: string | null | undefined
  for (let pages = 0; pages < PAGES && items.length < PAGE && next !== null; pages += 1) {
    const found = await page(next)
    items.push(...found.items.filter((one) => one.unit_id === unitId))
    next = found.next ?? null
  }
  return { items, more: next !== null }
}
