import { identity, office, take } from '@/api/client'

export const nextTasks = () => take(office.GET('/tasks', { params: { query: { view: 'open', sort: 'deadline', limit: 6 } } }))
export const latestNotices = () => take(office.GET('/notices/inbox', { params: { query: { limit: 6 } } }))
export const waiting = () => take(identity.GET('/me/waiting'))
