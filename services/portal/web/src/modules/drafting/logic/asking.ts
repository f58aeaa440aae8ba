/**
 * What a notice asks its recipients, as it is edited: each field has the properties of all types, so that a type that was
 * chosen by mistake can be changed back. The bounds are those of `office.forms.fields`. Pure functions.
 */
import type { FieldError } from '@/api/problems'
import type { CellField, Field } from '@/components/answers/fields'
import { lines } from '@/texts/typed'
import { draftingTexts } from '../texts'

const texts = draftingTexts.form

export type AskedType = Field['type']
export const TYPES: readonly AskedType[] = ['text', 'number', 'date', 'choice', 'multi_choice', 'attachment', 'table']
/** What a column of a table may be. */
export const CELLS: readonly AskedType[] = ['text', 'number', 'date', 'choice']
export const MOST = { fields: 50, columns: 20, options: 100, length: 5_000, decimals: 4, files: 10, rows: 200, label: 100 } as const
/** Numbers are below it. */
const MAX_NUMBER = 1e11

/** What `<input type="number">` gives: nothing while it is empty. */
type Typed = number | ''

export interface Asked {
  key: string
  type: AskedType
  label: string
  required: boolean
  help: string
  max_length: Typed
  multiline: boolean
  decimals: Typed
  minimum: Typed
  maximum: Typed
  unit: string
  earliest: string
  latest: string
  /** One on each line. */
  options: string
  max_choices: Typed
  max_files: Typed
  columns: Asked[]
  max_rows: Typed
}

const plain = (key: string, type: AskedType): Asked => ({
  key, type, label: '', required: false, help: '', max_length: 500, multiline: false, decimals: 0, minimum: '', maximum: '', unit: '', earliest: '', latest: '',
  options: '', max_choices: '', max_files: 1, columns: [], max_rows: 50,
})

/** Answers are stored by the key of the field: it is new in the form, and stays when the field is moved or renamed. */
function newKey(list: readonly Asked[]): string {
  const used = list.map((one) => Number(/^field_(\d{1,6})$/.exec(one.key)?.[1] ?? 0))
  return `field_${Math.max(0, ...used) + 1}`
}

export function newField(list: readonly Asked[], type: AskedType): Asked {
  const made = plain(newKey(list), type)
  return type === 'table' ? { ...made, columns: [plain('field_1', 'text')] } : made
}

/** The same question once more, after the first. */
export function copied(list: readonly Asked[], at: number): Asked[] {
  const one = list[at]
  if (!one) return [...list]
  const copy: Asked = { ...one, key: newKey(list), label: one.label ? texts.copyOf(one.label).slice(0, MOST.label) : '', columns: one.columns.map((column) => ({ ...column })) }
  return [...list.slice(0, at + 1), copy, ...list.slice(at + 1)]
}

export function moved(list: readonly Asked[], from: number, to: number): Asked[] {
  const next = [...list]
  const [one] = next.splice(from, 1)
  if (one) next.splice(to, 0, one)
  return next
}

/** Where the whole list has the field that was taken out at `at`. */
export const putBack = (list: readonly Asked[], one: Asked, at: number): Asked[] => [...list.slice(0, at), one, ...list.slice(at)]

export function askedOf(field: Field | CellField): Asked {
  const asked = { ...plain(field.key, field.type), label: field.label, required: field.required ?? false, help: field.help ?? '' }
  switch (field.type) {
    case 'text': return { ...asked, max_length: field.max_length ?? 500, multiline: field.multiline ?? false }
    case 'number': return { ...asked, decimals: field.decimals ?? 0, minimum: field.minimum ?? '', maximum: field.maximum ?? '', unit: field.unit ?? '' }
    case 'date': return { ...asked, earliest: field.earliest ?? '', latest: field.latest ?? '' }
    case 'choice': return { ...asked, options: field.options.join('\n') }
    case 'multi_choice': return { ...asked, options: field.options.join('\n'), max_choices: field.max_choices ?? '' }
    case 'attachment': return { ...asked, max_files: field.max_files ?? 1 }
    case 'table': return { ...asked, columns: field.columns.map(askedOf), max_rows: field.max_rows ?? 50 }
  }
}

export const optionsOf = (asked: Asked): string[] => lines(asked.options)
const given = (value: Typed): number | null => (value === '' ? null : value)

/** What Office stores of it. */
export function fieldOf(asked: Asked): Field {
  const { key, required } = asked
  const common = { key, required, label: asked.label.trim(), help: asked.help.trim() || null }
  switch (asked.type) {
    case 'text': return { ...common, type: 'text', max_length: Number(asked.max_length), multiline: asked.multiline }
    case 'number': return { ...common, type: 'number', decimals: Number(asked.decimals), minimum: given(asked.minimum), maximum: given(asked.maximum), unit: asked.unit.trim() || null }
    case 'date': return { ...common, type: 'date', earliest: asked.earliest || null, latest: asked.latest || null }
    case 'choice': return { ...common, type: 'choice', options: optionsOf(asked) }
    case 'multi_choice': return { ...common, type: 'multi_choice', options: optionsOf(asked), max_choices: given(asked.max_choices) }
    case 'attachment': return { ...common, type: 'attachment', max_files: Number(asked.max_files) }
    case 'table': return { ...common, type: 'table', columns: asked.columns.map((one) => fieldOf(one) as CellField), max_rows: Number(asked.max_rows) }
  }
}

/** As recipients see it, though its name or its options are still to come. */
export function shownOf(asked: Asked): Field {
  const named = (one: Asked): Asked => ({ ...one, label: one.label.trim() || texts.unnamed, columns: one.columns.map(named) })
  return fieldOf(named(asked))
}

/** What is still to be filled in or mended before Office takes it, at the places that Office would name. */
export function lacking(list: readonly Asked[], pointer = '/fields'): FieldError[] {
  return list.flatMap((one, index) => lackingOf(one, `${pointer}/${index}`))
}

function lackingOf(one: Asked, at: string): FieldError[] {
  const found: FieldError[] = []
  const say = (wrong: boolean, name: string, detail: string): void => {
    if (wrong) found.push({ pointer: `${at}/${name}`, detail })
  }
  const whole = (value: Typed, name: string, least: number, most: number): void => say(!(Number.isInteger(value) && Number(value) >= least && Number(value) <= most), name, texts.between(least, most))
  say(!one.label.trim(), 'label', texts.nameIt)
  switch (one.type) {
    case 'text':
      whole(one.max_length, 'max_length', 1, MOST.length)
      break
    case 'number':
      whole(one.decimals, 'decimals', 0, MOST.decimals)
      for (const name of ['minimum', 'maximum'] as const) say(Math.abs(Number(one[name])) >= MAX_NUMBER, name, texts.tooLarge)
      say(one.minimum !== '' && one.maximum !== '' && one.minimum > one.maximum, 'maximum', texts.rangeWrong)
      break
    case 'date':
      say(one.earliest !== '' && one.latest !== '' && one.earliest > one.latest, 'latest', texts.datesWrong)
      break
    case 'choice':
    case 'multi_choice': {
      const options = optionsOf(one)
      const twice = options.find((option, index) => options.indexOf(option) !== index)
      say(!options.length, 'options', texts.optionsLack)
      say(options.length > MOST.options, 'options', texts.optionsMost(MOST.options))
      say(options.some((option) => option.length > MOST.label), 'options', texts.optionLong(MOST.label))
      say(twice !== undefined, 'options', texts.optionTwice(twice ?? ''))
      if (one.type === 'multi_choice' && one.max_choices !== '') whole(one.max_choices, 'max_choices', 1, Math.max(1, Math.min(options.length, MOST.options)))
      break
    }
    case 'attachment':
      whole(one.max_files, 'max_files', 1, MOST.files)
      break
    case 'table':
      say(!one.columns.length, 'columns', texts.columnsLack)
      whole(one.max_rows, 'max_rows', 1, MOST.rows)
      found.push(...lacking(one.columns, `${at}/columns`))
  }
  return found
}
