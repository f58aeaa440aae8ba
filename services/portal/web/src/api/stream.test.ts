import { expect, test } from 'vitest'
import { EventParser } from './stream'

test('events are found wherever the pieces of the stream are cut', () => {
  const stream = ': hello\n\nevent: ready\nid: 7-a\ndata: {}\n\nevent: task\r\nid: 8-b\r\ndata: {"a":\r\ndata: 1}\r\n\r\n'
  for (let cut = 1; cut < stream.length; cut += 1) {
    const parser = new EventParser()
    const found = [...parser.feed(stream.slice(0, cut)), ...parser.feed(stream.slice(cut))]
    expect(found).toEqual([
      { event: 'ready', id: '7-a', data: '{}' },
      { event: 'task', id: '8-b', data: '{"a":\n1}' },
    ])
  }
})

test('a comment keeps the connection and is no event', () => {
  expect(new EventParser().feed(': \n\n: \n\n')).toEqual([])
})
