import { identity, office, take, type Identity, type Office } from '@/api/client'

export type Task = Office['schemas']['TaskOut']
export type Platform = Identity['schemas']['PlatformOut']

export const nextTasks = () => take(office.GET('/tasks', { params: { query: { view: 'open', sort: 'deadline', limit: 6 } } }))
export const latestNotices = () => take(office.GET('/notices/inbox', { params: { query: { limit: 6 } } }))
/** How many drafts of the own unit wait for a review or an issue by this person: their tasks say so. */
export const preparing = async (kind: 'review' | 'issue') => (await take(office.GET('/tasks', { params: { query: { view: 'open', kind: [kind], limit: 1 } } }))).total
/** Whether the own unit has begun a notice. */
export const drafting = async () => (await take(office.GET('/notices/outbox', { params: { query: { limit: 1 } } }))).items.length > 0
export const waiting = () => take(identity.GET('/me/waiting'))
export const platforms = async () => (await take(identity.GET('/me/platforms'))).items

const PAGE = 100
const MOST_PAGES = 3

/** Open tasks that are due between two instants, at most 300 of them; `more` says that there are more. */
export async function dueTasks(from: Date, until: Date): Promise<{ items: Task[]; more: boolean }> {
  const items: Task[] = []
  let cursor: string | undefined
  for (let pages = 0; pages < MOST_PAGES; pages += 1) {
    const page = await take(
      office.GET('/tasks', {
        params: { query: { view: 'open', sort: 'deadline', due_from: from.toISOString(), due_until: until.toISOString(), limit: PAGE, cursor } },
      }),
    )
    items.push(...page.items)
    cursor = page.next ?? undefined
    if (!cursor) break
  }
  return { items, more: Boolean(cursor) }
}
