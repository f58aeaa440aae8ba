import { expect, test } from 'vitest'
import { ApiProblem } from '@/api/problems'
import type { Upload } from '../api'
import { PART, send } from './uploading'

const of = (received: number, status: Upload['status'] = 'receiving'): Upload => ({ id: 'u', received, status }) as Upload
const file = new Blob([new Uint8Array(2 * PART + 10)])
const wait = (): Promise<void> => Promise.resolve()

test('a file goes in parts, from where the service has it', async () => {
  const sent: [number, number][] = []
  const told: number[] = []
  const append = (_id: string, offset: number, part: Blob): Promise<Upload> => {
    sent.push([offset, part.size])
    const received = offset + part.size
    return Promise.resolve(of(received, received === file.size ? 'loading' : 'receiving'))
  }
  const done = await send(file, of(PART), { append, get: () => Promise.reject(new Error('not asked')) }, (received) => told.push(received))
  expect(sent).toEqual([[PART, PART], [2 * PART, 10]])
  expect(told).toEqual([PART, 2 * PART, 2 * PART + 10])
  expect(done.status).toBe('loading')
})

test('after an interruption it asks what has arrived, and sends no byte twice', async () => {
  const sent: number[] = []
  const answers = [ApiProblem.offline(), of(2 * PART), of(file.size, 'loading')]
  const append = (_id: string, offset: number): Promise<Upload> => {
    sent.push(offset)
    const answer = answers.shift()
    return answer instanceof ApiProblem ? Promise.reject(answer) : Promise.resolve(answer ?? of(0))
  }
  const get = (): Promise<Upload> => Promise.resolve(answers.shift() as Upload)
  const interruptions: boolean[] = []
  await send(file, of(0), { append, get, wait }, (_received, interrupted) => interruptions.push(interrupted))
  expect(sent).toEqual([0, 2 * PART])
  expect(interruptions).toEqual([false, true, false, false])
})

test('a refusal ends it', async () => {
  const refused = new ApiProblem(404, 'upload_not_found', 'T', 'D')
  const append = (): Promise<Upload> => Promise.reject(refused)
  await expect(send(file, of(0), { append, get: append, wait }, () => undefined)).rejects.toBe(refused)
})
