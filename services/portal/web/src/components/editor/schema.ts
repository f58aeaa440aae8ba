/** What a document may contain: the elements that Office keeps (`office.writing.richtext`), as a ProseMirror schema. */
import { Schema, type MarkType, type NodeType, type AttributeSpec, type DOMOutputSpec, type MarkSpec, type Node, type NodeSpec } from 'prosemirror-model'
import { orderedList, bulletList, listItem } from 'prosemirror-schema-list'
import { tableNodes } from 'prosemirror-tables'

export const ALIGNMENTS = ['left', 'center', 'right', 'justify'] as const
export type Alignment = (typeof ALIGNMENTS)[number]

const aligned: Record<string, AttributeSpec> = { align: { default: null } }
const alignOf = (element: HTMLElement): { align: string | null } => ({ align: element.dataset.align ?? null })
const alignTo = (node: Node): Record<string, string> => (node.attrs.align ? { 'data-align': String(node.attrs.align) } : {})

/** h1 is the title of the page, and documents have three levels at most. */
const LEVELS: Record<string, number> = { h1: 2, h2: 2, h3: 3, h4: 4, h5: 4, h6: 4 }

const nodes: Record<string, NodeSpec> = {
  doc: { content: 'block+' },
  paragraph: {
    content: 'inline*',
    group: 'block',
    attrs: aligned,
    parseDOM: [{ tag: 'p', getAttrs: alignOf }, { tag: 'caption', getAttrs: alignOf }],
    toDOM: (node): DOMOutputSpec => ['p', alignTo(node), 0],
  },
  heading: {
    content: 'inline*',
    group: 'block',
    defining: true,
    attrs: { ...aligned, level: { default: 2 } },
    parseDOM: Object.entries(LEVELS).map(([tag, level]) => ({ tag, getAttrs: (element: HTMLElement) => ({ level, ...alignOf(element) }) })),
    toDOM: (node): DOMOutputSpec => [`h${Number(node.attrs.level)}`, alignTo(node), 0],
  },
  blockquote: { content: 'block+', group: 'block', defining: true, parseDOM: [{ tag: 'blockquote' }], toDOM: (): DOMOutputSpec => ['blockquote', 0] },
  horizontal_rule: { group: 'block', parseDOM: [{ tag: 'hr' }], toDOM: (): DOMOutputSpec => ['hr'] },
  bullet_list: { ...bulletList, content: 'list_item+', group: 'block' },
  ordered_list: { ...orderedList, content: 'list_item+', group: 'block' },
  list_item: { ...listItem, content: 'paragraph block*' },
  ...tableNodes({
    tableGroup: 'block',
    cellContent: 'block+',
    cellAttributes: {
      align: { default: null, getFromDOM: (element) => (element as HTMLElement).dataset.align ?? null, setDOMAttr: (value, attributes) => { if (value) attributes['data-align'] = value } },
    },
  }),
  text: { group: 'inline' },
  hard_break: { inline: true, group: 'inline', selectable: false, parseDOM: [{ tag: 'br' }], toDOM: (): DOMOutputSpec => ['br'] },
}

const simple = (tag: string, ...others: string[]): MarkSpec => ({ parseDOM: [tag, ...others].map((one) => ({ tag: one })), toDOM: (): DOMOutputSpec => [tag, 0] })

const marks: Record<string, MarkSpec> = {
  link: {
    attrs: { href: {} },
    inclusive: false,
    parseDOM: [{ tag: 'a[href]', getAttrs: (element) => { const href = (element as HTMLElement).getAttribute('href') ?? ''; return isAddress(href) ? { href } : false } }],
    toDOM: (mark): DOMOutputSpec => ['a', { href: String(mark.attrs.href), rel: 'noopener noreferrer' }, 0],
  },
  strong: simple('strong', 'b'),
  em: simple('em', 'i'),
  underline: simple('u'),
  strike: simple('s', 'del', 'strike'),
  subscript: simple('sub'),
  superscript: simple('sup'),
}

/** Addresses that Office keeps; a relative one means something else wherever the text is shown. */
export const isAddress = (href: string): boolean => /^(https?:\/\/|mailto:)\S+$/i.test(href)

export const schema = new Schema({ nodes, marks })

const knownNode = (name: string): NodeType => {
  const type = schema.nodes[name]
  if (!type) throw new Error(name)
  return type
}
const knownMark = (name: string): MarkType => {
  const type = schema.marks[name]
  if (!type) throw new Error(name)
  return type
}

/** The types by their names. */
export const types = {
  paragraph: knownNode('paragraph'),
  heading: knownNode('heading'),
  blockquote: knownNode('blockquote'),
  bullet: knownNode('bullet_list'),
  ordered: knownNode('ordered_list'),
  item: knownNode('list_item'),
  table: knownNode('table'),
  row: knownNode('table_row'),
  cell: knownNode('table_cell'),
  header: knownNode('table_header'),
  break: knownNode('hard_break'),
  link: knownMark('link'),
  strong: knownMark('strong'),
  em: knownMark('em'),
  underline: knownMark('underline'),
  strike: knownMark('strike'),
} as const
