import { expect, test } from 'vitest'
import { decisions, ofCentre, proposedLines, registered } from './registration'
import type { Client } from '../api/registry'
import { administrationTexts } from '../texts'

const present = { client_name: 'A', redirect_uris: ['https://a.example/'], dpop_bound_access_tokens: true, logo_uri: null, scopes: ['openid'] }
const client = { ...present, client_id: '1', status: 'active', version: 2, secrets: [], proposed: { ...present, client_name: 'B', redirect_uris: ['https://a.example/', 'https://b.example/'], logo_uri: 'https://b.example/l' }, proposed_at: '2026-01-01T00:00:00Z' } as unknown as Client

test('a proposed change shows what it changes, also what the form does not have', () => {
  expect(proposedLines(client)).toEqual([
    { item: administrationTexts.clients.name, before: 'A', after: 'B' },
    { item: administrationTexts.clients.redirect, before: 'https://a.example/', after: 'https://a.example/、https://b.example/' },
    { item: 'logo_uri', before: expect.any(String) as string, after: 'https://b.example/l' },
  ])
  expect(proposedLines({ ...client, proposed: null })).toEqual([])
})

test('a replacement has the registration and nothing that the service adds to it', () => {
  expect(registered(client)).toEqual(present)
})

test('the centre is its administrators and who manages clients of the platform', () => {
  const session = (permissions: string[], level?: string) => ({ may: (one: string) => permissions.includes(one), me: level ? { acting: { level } } : null }) as unknown as Parameters<typeof ofCentre>[0]
  expect(ofCentre(session(['platform.clients']))).toBe(true)
  expect(ofCentre(session([], 'ministry'))).toBe(true)
  expect(ofCentre(session([], 'county'))).toBe(false)
  expect(ofCentre(session([]))).toBe(false)
})

test('the centre takes a disabled client over, and what it disabled only it enables', () => {
  const of = (status: string, by: string | null, centre: boolean) => {
    const may = decisions({ status, disabled_by: by } as unknown as Client, centre)
    return Object.entries(may).filter(([, yes]) => yes).map(([name]) => name)
  }
  expect(of('active', null, true)).toEqual(['disable'])
  expect(of('disabled', 'unit', false)).toEqual(['enable'])
  expect(of('disabled', 'unit', true)).toEqual(['enable', 'hold'])
  expect(of('disabled', 'centre', false)).toEqual(['waits'])
  expect(of('disabled', 'centre', true)).toEqual(['enable'])
  expect(of('disabled', null, false)).toEqual(['enable'])
})
