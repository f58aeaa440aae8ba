/** What a page of the cockpit shows, as its address says. Everything somebody chooses is in the address. */
import type { LocationQuery, LocationQueryRaw } from 'vue-router'
import { useRoute, useRouter } from 'vue-router'
import { computed, type WritableComputedRef } from 'vue'
import type { Cockpit } from '@/api/client'

type Schemas = Cockpit['schemas']
export type ModuleName = Schemas['Module']
export type Place = Schemas['PlaceOut']

export const MODULES: readonly ModuleName[] = ['overview', 'hardship', 'students', 'funds']

/** The calendars of each module, the usual one first. */
const CALENDARS: Record<ModuleName, readonly string[]> = {
  overview: ['year', 'school_year', 'term'],
  hardship: ['school_year'],
  students: ['year', 'school_year', 'term'],
  funds: ['year'],
}

/** What decides the answer; the rest of the address is how it is shown. */
const NAMES = ['sector', 'tree', 'unit', 'region', 'calendar', 'period'] as const
export type Asked = Partial<Record<(typeof NAMES)[number], string>>

export const askedOf = (query: LocationQuery): Asked =>
  Object.fromEntries(NAMES.flatMap((name) => (typeof query[name] === 'string' && query[name] ? [[name, query[name]]] : [])))

/** The address of the same place and sector in another module, and of the same period if that has it. */
export function inModule(asked: Asked, module: ModuleName): LocationQueryRaw {
  const { calendar, period, ...rest } = asked
  return calendar && CALENDARS[module].includes(calendar) ? { ...rest, calendar, period } : rest
}

/** Another calendar has other periods, another tree other places. */
export function changed(asked: Asked, change: Asked): Asked {
  const next = { ...asked, ...change }
  if (change.calendar !== undefined && change.calendar !== asked.calendar && change.period === undefined) delete next.period
  if (change.tree !== undefined && change.tree !== asked.tree) {
    delete next.unit
    delete next.region
  }
  return Object.fromEntries(Object.entries(next).filter(([, value]) => value))
}

/** The address of a place; null where there is nothing to look into. */
export function atPlace(asked: Asked, place: Place): Asked | null {
  const rest = { ...asked }
  delete rest.unit
  delete rest.region
  if (asked.tree === 'territory') return { ...rest, region: place.code }
  return place.unit_id ? { ...rest, unit: place.unit_id } : null
}

/** A choice of how something is shown, kept in the address under a name. */
export function useShown(name: string): WritableComputedRef<string> {
  const route = useRoute()
  const router = useRouter()
  return computed({
    get: () => (typeof route.query[name] === 'string' ? route.query[name] : ''),
    set: (value) => void router.replace({ query: { ...route.query, [name]: value || undefined } }),
  })
}
