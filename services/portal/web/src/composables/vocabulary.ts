/** Chinese names of codes from the service that uses them (`GET /vocabulary`), asked for once by each service. */
import { type ShallowRef, shallowRef } from 'vue'
import { cockpit, identity, take } from '@/api/client'

interface Vocabularies {
  items: { name: string; words: { code: string; label: string }[] }[]
}

const calls = {
  identity: (): Promise<Vocabularies> => take(identity.GET('/vocabulary')),
  cockpit: (): Promise<Vocabularies> => take(cockpit.GET('/vocabulary')),
}

export interface Words {
  /** The name of a code; the code itself while the names are loading. */
  word: (vocabulary: string, code: string | null | undefined) => string
  /** All codes of a vocabulary with their names, in the order of the document. */
  options: (vocabulary: string) => { code: string; label: string }[]
}

const known: Partial<Record<keyof typeof calls, ShallowRef<Vocabularies | null>>> = {}

export function useWords(service: keyof typeof calls): Words {
  let words = known[service]
  if (!words) {
    const loaded: ShallowRef<Vocabularies | null> = shallowRef(null)
    words = known[service] = loaded
    calls[service]().then(
      (found) => (loaded.value = found),
      // The next page asks again.
      () => (known[service] = undefined),
    )
  }
  const of = words
  const options: Words['options'] = (vocabulary) => of.value?.items.find((one) => one.name === vocabulary)?.words ?? []
  return {
    options,
    word: (vocabulary, code) => options(vocabulary).find((one) => one.code === code)?.label ?? code ?? '',
  }
}
