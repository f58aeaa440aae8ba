/** In which order a big screen shows the modules. */
import type { View } from '../api'
import { MODULES, type ModuleName } from './asked'

/** Milliseconds that a module stays, and after which its figures are asked for again. */
export const TURN = 30_000
export const RENEWED = 60_000

/** Whether there are no figures of the module at all. */
export const isEmpty = (view: View | undefined): boolean => view !== undefined && view.available.every((one) => !one.periods.length)

/** The module after this one; those that are known to have no figures are left out, unless all are. */
export function following(shown: ModuleName | null, views: ReadonlyMap<ModuleName, View>): ModuleName {
  const first = shown === null ? 0 : MODULES.indexOf(shown) + 1
  const order = MODULES.map((_, at) => MODULES[(first + at) % MODULES.length] as ModuleName)
  return order.find((one) => !isEmpty(views.get(one))) ?? order[0] ?? 'overview'
}
