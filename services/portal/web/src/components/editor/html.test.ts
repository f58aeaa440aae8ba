import { expect, test } from 'vitest'
import { hadJunk, parse, pasted, serialize } from './html'

const through = (html: string): string => serialize(parse(html))

test('what Office keeps goes through the editor unchanged', () => {
  for (const html of [
    '<p>A<strong>B</strong><br>C</p><h2 style="text-align:center">D</h2>',
    '<ol start="3"><li><p>A</p></li></ol><ul><li><p>B</p></li></ul><blockquote><p>C</p></blockquote><hr>',
    '<table><tbody><tr><th colspan="2"><p>A</p></th></tr><tr><td><p>B</p></td><td><p>C</p></td></tr></tbody></table>',
    '<p><a href="https://example.org/" rel="noopener noreferrer">A</a><u>B</u><s>C</s><sub>2</sub></p>',
  ])
    expect(through(html)).toBe(html)
  expect(through('<p></p>')).toBe('')
})

test('what Word and mail programs add is gone, text and alignment stay', () => {
  const word =
    '<!--[if gte mso 9]><xml><w:X>1</w:X></xml><![endif]--><style>p{color:red}</style>' +
    "<p class=MsoNormal style='mso-x:1;text-align:center'><b><span style=\"font-family:X\">A</span></b><o:p></o:p></p><p>\u3000\u3000B&nbsp;</p>"
  expect(hadJunk(word)).toBe(true)
  expect(through(pasted(word))).toBe('<p style="text-align:center"><strong>A</strong></p><p>B&nbsp;</p>')
  expect(through('<h1>A</h1><div align="right">B</div><script>C</script><img src="x" onerror="D">')).toBe('<h2>A</h2><p>B</p>')
})

test('addresses that run scripts or mean another place are no links', () => {
  expect(through('<p><a href="javascript:x()">A</a><a href="/b">B</a></p>')).toBe('<p>AB</p>')
})
