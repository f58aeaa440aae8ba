/** What a record of the audit log has beside who did what: its fields by name, in words. */
import { texts as common } from '@/texts'
import { administrationTexts } from '../texts'

const shown = (value: unknown): string => {
  if (value === null || value === undefined) return common.none
  if (typeof value === 'boolean') return value ? common.yes : common.no
  if (Array.isArray(value)) return value.map(shown).join('、') || common.none
  return typeof value === 'object' ? JSON.stringify(value) : String(value as string | number)
}

/** A field that is new at Identity has its own name. */
export const detailsOf = (details: Record<string, unknown>): { name: string; label: string; value: string }[] =>
  Object.entries(details).map(([name, value]) => ({ name, label: administrationTexts.audit.fields[name] ?? name, value: shown(value) }))
