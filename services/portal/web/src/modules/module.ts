/** What a module shows to the rest: its routes, and its places in the navigation. */
import type { RouteRecordRaw } from 'vue-router'
import type { Me } from '@/session/store'

export interface Place {
  to: string
  label: string
  /** Shown beside it while it is not zero. */
  badge?: 'tasks' | 'notices'
  /** Whether this person has the place; everybody, unless given. */
  visible?: (me: Me) => boolean
  /** A word below the name, on the tiles of the first page. */
  about: string
  icon: string
  /** Its pages come with a later version. */
  planned?: boolean
}

export interface Module {
  routes: RouteRecordRaw[]
  places: Place[]
}

declare module 'vue-router' {
  interface RouteMeta {
    title: string
    /** Open to people who are not signed in. */
    open?: boolean
    /** A screen on a wall: without frame and person. */
    display?: boolean
  }
}
