/** Changes as they happen: counts for badges, and a signal for lists that are open. */
import { defineStore } from 'pinia'
import { ref } from 'vue'
import { office, take, type Office } from '@/api/client'
import { follow } from '@/api/stream'

export type TaskCounts = Office['schemas']['CountsOut']

/** A burst of changes makes lists load, and counts be asked for, once in this time. */
const WAIT = 1000

export const useLive = defineStore('live', () => {
  const tasks = ref<number | null>(null)
  const notices = ref<number | null>(null)
  const counts = ref<TaskCounts | null>(null)
  const connected = ref(false)
  /** Changes after changes of tasks: lists watch it. */
  const changes = ref(0)
  let stop: (() => void) | null = null
  let timer = 0

  async function recount(): Promise<void> {
    const [ofTasks, ofInbox] = await Promise.all([take(office.GET('/tasks/counts')), take(office.GET('/notices/inbox/counts'))])
    counts.value = ofTasks
    tasks.value = ofTasks.open
    notices.value = ofInbox.unread.count
  }

  /** Further changes do not put it off: lists follow a burst that lasts. */
  function soon(): void {
    if (timer) return
    timer = window.setTimeout(() => {
      timer = 0
      changes.value += 1
      void recount().catch(() => undefined)
    }, WAIT)
  }

  /** Begins for a person who belongs to a unit; further calls do nothing. */
  function start(): void {
    if (stop) return
    void recount().catch(() => undefined)
    stop = follow('/api/office/v1/tasks/stream', {
      connected: (yes) => (connected.value = yes),
      event: ({ event }) => {
        // Who edits a draft changes no list and no count.
        if (event !== 'end' && event !== 'editing') soon()
      },
    }).stop
  }

  return { tasks, notices, counts, connected, changes, start, recount }
})
