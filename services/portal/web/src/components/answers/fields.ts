/** What a notice asks its recipients, and what they answered. */
import type { Office } from '@/api/client'

type Schemas = Office['schemas']
export type Field = Schemas['FormOut']['fields'][number]
export type CellField = Schemas['TableField']['columns'][number]
export type FileRef = Schemas['FileRef']
export type Values = Record<string, unknown>
export type Rows = Values[]

export const textOf = (value: unknown): string => (typeof value === 'string' || typeof value === 'number' ? String(value) : '')
/** A number with all the decimals that its field has, as amounts are read: 401.20. */
export const valueOf = (field: Field | CellField, value: unknown): string => (field.type === 'number' && typeof value === 'number' ? value.toFixed(field.decimals ?? 0) : textOf(value))
export const listOf = (value: unknown): string[] => (Array.isArray(value) ? value.map(textOf) : [])
export const rowsOf = (value: unknown): Rows => (Array.isArray(value) ? value.map((row) => (typeof row === 'object' && row !== null ? (row as Values) : {})) : [])

/** The name of a field with the unit of its numbers. */
export const headingOf = (field: Field | CellField): string => (field.type === 'number' && field.unit ? `${field.label}（${field.unit}）` : field.label)

/** A JSON Pointer below `/values` (RFC 6901 §3). */
export const pointerOf = (...place: (string | number)[]): string => ['/values', ...place.map((part) => String(part).replace(/~/g, '~0').replace(/\//g, '~1'))].join('/')

/** What is sent: without empty texts, and without rows in which nothing is filled in. Numbers stay text: the service reads them exactly. */
export function filled(values: Values): Values {
  const full = (value: unknown): boolean => value !== '' && value !== null && value !== undefined && !(Array.isArray(value) && !value.length)
  return Object.fromEntries(Object.entries(values).filter(([, value]) => full(value)))
}
