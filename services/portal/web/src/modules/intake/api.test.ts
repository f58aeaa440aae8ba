import { expect, test } from 'vitest'
import { mediaType } from './api'

test('the media type comes from the name, because browsers know few of them', () => {
  expect(mediaType('data.CSV')).toBe('text/csv')
  expect(mediaType('2024.parquet')).toBe('application/vnd.apache.parquet')
  expect(mediaType('rows.ndjson')).toBe('application/x-ndjson')
  expect(mediaType('noname')).toBe('application/octet-stream')
})
