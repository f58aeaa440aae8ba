/**
 * Between HTML as Office keeps it and the editor's document. Styles are taken out of the text before the browser
 * parses it: the Content-Security-Policy allows none in markup, and of all of them only the alignment is kept.
 */
import { DOMParser, DOMSerializer, type Node } from 'prosemirror-model'
import { schema } from './schema'

const GONE = /<!--[\s\S]*?-->|<(style|script|xml|title|noscript)\b[\s\S]*?<\/\1>/gi
const TAG = /<[a-z][^<>]*>/gi
const STYLE = /\sstyle\s*=\s*("[^"]*"|'[^']*'|[^\s>]+)/gi
const OLD_ALIGN = /\s(?:data-)?align\s*=\s*["']?(left|center|right|justify)["']?/i
const ALIGN = /text-align\s*:\s*(left|center|right|justify)/i
/** Blanks at the beginning of a paragraph: the style sheet indents. */
const INDENT = /(<p[^<>]*>(?:<(?:span|font|b|strong)[^<>]*>)*)(?:\s|&nbsp;|&emsp;|\u3000|\u00a0)+/gi

/** Moves the alignment into an attribute of our own, and drops styles, comments and what never is text. */
export function unstyled(html: string): string {
  return html.replace(GONE, '').replace(TAG, (tag) => {
    const align = (ALIGN.exec(tag)?.[1] ?? OLD_ALIGN.exec(tag)?.[1])?.toLowerCase()
    const bare = tag.replace(STYLE, '').replace(OLD_ALIGN, '')
    return align ? bare.replace(/\s*(\/?)>$/, ` data-align="${align}"$1>`) : bare
  })
}

/** What is left of HTML from Word, WPS or a mail program; pictures become nothing, they are attachments. */
export const pasted = (html: string): string => unstyled(html).replace(INDENT, '$1')

/** Whether pasted HTML had more than is kept, so that the person is told. */
export const hadJunk = (html: string): boolean => /\sstyle\s*=|class="?Mso|<(style|font|o:p|xml)\b|mso-/i.test(html)
export const hadPictures = (html: string): boolean => /<img\b|<v:imagedata\b/i.test(html)

export function parse(html: string): Node {
  const holder = document.implementation.createHTMLDocument('').createElement('div')
  holder.innerHTML = unstyled(html)
  return DOMParser.fromSchema(schema).parse(holder)
}

/** Returns HTML as Office has it; a document without text and tables is empty. */
export function serialize(doc: Node): string {
  const holder = document.implementation.createHTMLDocument('').createElement('div')
  holder.appendChild(DOMSerializer.fromSchema(schema).serializeFragment(doc.content, { document: holder.ownerDocument }))
  const html = holder.innerHTML.replace(/(<[a-z][^<>]*?) data-align="(\w+)"/g, '$1 style="text-align:$2"').replace(/ (?:colspan|rowspan)="1"/g, '')
  return doc.textContent.trim() === '' && !html.includes('<table') && !html.includes('<hr') ? '' : html
}
