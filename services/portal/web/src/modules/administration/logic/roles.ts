/** Roles: their names, custom ones too, and which of them this person may grant. */
import { computed, type ComputedRef, shallowRef } from 'vue'
import { useSession } from '@/session/store'
import { texts } from '@/texts'
import { listRoles, type RoleRow } from '../api'

const known = shallowRef<RoleRow[] | null>(null)
let asked: Promise<unknown> | null = null

/** The roles of which somebody with `own` roles holds, or may pass on, every permission; as Identity has it. */
export function grantable(own: readonly string[], roles: readonly RoleRow[]): RoleRow[] {
  const mine = roles.filter((one) => own.includes(one.code))
  const allowed = new Set<string>(mine.flatMap((one) => [...one.permissions, ...one.may_grant]))
  return roles.filter((one) => one.permissions.every((permission) => allowed.has(permission)))
}

export interface Roles {
  all: ComputedRef<RoleRow[]>
  grantable: ComputedRef<RoleRow[]>
  name: (code: string) => string
  names: (codes: readonly string[]) => string
}

export function useRoles(): Roles {
  const session = useSession()
  asked ??= listRoles().then(
    (found) => (known.value = found),
    () => (asked = null),
  )
  const all = computed(() => known.value ?? [])
  const name = (code: string): string => all.value.find((one) => one.code === code)?.name ?? texts.roles[code] ?? code
  return {
    all,
    grantable: computed(() => grantable(session.me?.roles ?? [], all.value)),
    name,
    names: (codes) => codes.map(name).join('、'),
  }
}
