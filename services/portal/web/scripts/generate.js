// Writes the types of the services' operations from their OpenAPI documents (docs/api) to src/api/generated.
// Paths are those below /api/v1/, which the portal has at /api/{service}/v1/. A document that has not changed is
// left alone: its digest is the first line of its types.
import { createHash } from 'node:crypto'
import { mkdir, readFile, readdir, writeFile } from 'node:fs/promises'
import { fileURLToPath } from 'node:url'
import openapi, { astToString } from 'openapi-typescript'

const documents = new URL('../../../../docs/api/', import.meta.url)
const target = new URL('../src/api/generated/', import.meta.url)
const own = await readFile(fileURLToPath(import.meta.url))
const prefix = '/api/v1/'

await mkdir(target, { recursive: true })
for (const name of (await readdir(documents)).filter((one) => one.endsWith('.json'))) {
  const content = await readFile(new URL(name, documents))
  const mark = `// ${createHash('sha256').update(own).update(content).digest('hex')}\n`
  const file = new URL(name.replace('.json', '.d.ts'), target)
  const before = await readFile(file, 'utf8').catch(() => '')
  if (before.startsWith(mark)) continue
  const document = JSON.parse(content.toString('utf8'))
  document.paths = Object.fromEntries(
    Object.entries(document.paths)
      .filter(([path]) => path.startsWith(prefix))
      .map(([path, operations]) => [path.slice(prefix.length - 1), operations]),
  )
  // A field with a default is optional in a request.
  const types = await openapi(document, { defaultNonNullable: false, silent: true })
  await writeFile(file, mark + astToString(types))
}
