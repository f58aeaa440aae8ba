/** What the toolbar does, and which of it holds at the place of the caret. */
import { lift, setBlockType, toggleMark, wrapIn } from 'prosemirror-commands'
import { redo, undo } from 'prosemirror-history'
import type { MarkType, NodeType } from 'prosemirror-model'
import { liftListItem, wrapInList } from 'prosemirror-schema-list'
import { TextSelection, type Command, type EditorState } from 'prosemirror-state'
import { addColumnAfter, addRowAfter, deleteColumn, deleteRow, deleteTable, isInTable, mergeCells, splitCell } from 'prosemirror-tables'
import { schema, types, type Alignment } from './schema'

const inside = (state: EditorState, type: NodeType): boolean => {
  for (let depth = state.selection.$from.depth; depth > 0; depth -= 1) if (state.selection.$from.node(depth).type === type) return true
  return false
}

const marked = (state: EditorState, type: MarkType): boolean => {
  const { from, to, empty, $from } = state.selection
  return empty ? Boolean(type.isInSet(state.storedMarks ?? $from.marks())) : state.doc.rangeHasMark(from, to, type)
}

/** p, h2, h3, h4: the style of the paragraph with the caret. */
export function styleOf(state: EditorState): string {
  const { parent } = state.selection.$from
  return parent.type === types.heading ? `h${Number(parent.attrs.level)}` : 'p'
}

export const setStyle = (name: string): Command =>
  name === 'p' ? setBlockType(types.paragraph) : setBlockType(types.heading, { level: Number(name.slice(1)) })

const align =
  (to: Alignment): Command =>
  (state, dispatch) => {
    const tr = state.tr
    state.doc.nodesBetween(state.selection.from, state.selection.to, (node, at) => {
      if (node.isTextblock) tr.setNodeAttribute(at, 'align', to === 'left' || node.attrs.align === to ? null : to)
    })
    if (!tr.docChanged) return false
    dispatch?.(tr)
    return true
  }

const alignedTo = (state: EditorState, to: Alignment): boolean => (state.selection.$from.parent.attrs.align ?? 'left') === to

const list =
  (type: NodeType): Command =>
  (state, dispatch) =>
    inside(state, type) ? liftListItem(types.item)(state, dispatch) : wrapInList(type)(state, dispatch)

const quote: Command = (state, dispatch) => (inside(state, types.blockquote) ? lift(state, dispatch) : wrapIn(types.blockquote)(state, dispatch))

const ROWS = 3
const COLUMNS = 3

const insertTable: Command = (state, dispatch) => {
  if (isInTable(state)) return false
  const row = (type: NodeType) => types.row.create(null, Array.from({ length: COLUMNS }, () => type.createAndFill()).filter((one) => one !== null))
  const table = types.table.create(null, [row(types.header), ...Array.from({ length: ROWS - 1 }, () => row(types.cell))])
  if (dispatch) {
    const at = state.selection.$from
    const tr = state.tr.replaceSelectionWith(table)
    // The caret goes to the first cell.
    tr.setSelection(TextSelection.near(tr.doc.resolve(Math.min(at.pos + 1, tr.doc.content.size))))
    dispatch(tr.scrollIntoView())
  }
  return true
}

const clear: Command = (state, dispatch) => {
  const { from, to } = state.selection
  const tr = state.tr
  Object.values(schema.marks).forEach((type) => tr.removeMark(from, to, type))
  tr.setBlockType(from, to, types.paragraph)
  if (!tr.docChanged) return false
  dispatch?.(tr)
  return true
}

export const setLink =
  (href: string): Command =>
  (state, dispatch) => {
    const { from, to, empty } = state.selection
    const mark = types.link.create({ href })
    dispatch?.(empty ? state.tr.insert(from, schema.text(href, [mark])) : state.tr.addMark(from, to, mark))
    return true
  }

export const removeLink: Command = (state, dispatch) => {
  let { from, to } = state.selection
  const { $from, empty } = state.selection
  if (empty) {
    from = $from.start()
    to = $from.end()
  }
  dispatch?.(state.tr.removeMark(from, to, types.link))
  return true
}

export interface Tool {
  name: string
  run: Command
  /** Whether it holds now; absent: it is no state. */
  on?: (state: EditorState) => boolean
}

const tool = (name: string, run: Command, on?: (state: EditorState) => boolean): Tool => ({ name, run, on })
const ofMark = (name: string, type: MarkType): Tool => tool(name, toggleMark(type), (state) => marked(state, type))
const ofAlign = (to: Alignment): Tool => tool(to, align(to), (state) => alignedTo(state, to))

export const TOOLS: readonly (readonly Tool[])[] = [
  [tool('undo', undo), tool('redo', redo)],
  [ofMark('strong', types.strong), ofMark('em', types.em), ofMark('underline', types.underline), ofMark('strike', types.strike)],
  [ofAlign('left'), ofAlign('center'), ofAlign('right')],
  [
    tool('ordered', list(types.ordered), (state) => inside(state, types.ordered)),
    tool('bullet', list(types.bullet), (state) => inside(state, types.bullet)),
    tool('quote', quote, (state) => inside(state, types.blockquote)),
  ],
  [tool('table', insertTable), tool('plain', clear)],
]

/** Shown while the caret is in a table. */
export const TABLE_TOOLS: readonly Tool[] = [
  tool('addRow', addRowAfter),
  tool('addColumn', addColumnAfter),
  tool('deleteRow', deleteRow),
  tool('deleteColumn', deleteColumn),
  tool('merge', mergeCells),
  tool('split', splitCell),
  tool('deleteTable', deleteTable),
]

export const inTable = (state: EditorState): boolean => isInTable(state)
export const hasLink = (state: EditorState): boolean => marked(state, types.link)
export const linkOf = (state: EditorState): string => String(types.link.isInSet(state.selection.$from.marks())?.attrs.href ?? '')
