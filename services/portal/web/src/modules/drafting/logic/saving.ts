/**
 * A draft that saves itself. What is typed is in three places: the form, this tab (`useDraft`) until Office has it,
 * and Office. Two tabs or two people may have it open: the later one to save is told and decides.
 */
import { computed, nextTick, onScopeDispose, ref, shallowRef, watch, type ComputedRef, type Ref, type ShallowRef } from 'vue'
import { type ApiProblem, asProblem } from '@/api/problems'
import { useDraft } from '@/composables/draft'
import { getOwn, joinEditing, leaveEditing, saveDraft, type OwnNotice, type Schemas, type Stored } from '../api'
import { UNCLASSIFIED, bodyOf, emptyForm, formOf, sameContent, type Form } from './form'

/** Milliseconds after the last key; between attempts without a connection; between signs of life (Office waits for 60 s). */
const PAUSE = 1_200
const AGAIN = [2_000, 5_000, 10_000, 30_000]
const PRESENCE = 20_000

export type Saving = 'loading' | 'saved' | 'waiting' | 'saving' | 'offline' | 'refused' | 'conflict' | 'classified'

export interface Work {
  form: Form
  version: number
}

export interface Drafting {
  work: Ref<Work>
  own: ShallowRef<OwnNotice | null>
  state: Ref<Saving>
  problem: ShallowRef<ApiProblem | null>
  savedAt: Ref<string | null>
  /** Text of before an interruption is in the form. */
  restored: Ref<boolean>
  /** The version of somebody else that stands in the way. */
  other: ShallowRef<OwnNotice | null>
  editors: ShallowRef<Schemas['EditorOut'][]>
  unsaved: ComputedRef<boolean>
  load: () => Promise<void>
  /** Saves now what is not saved; returns whether everything is at Office. */
  flush: () => Promise<boolean>
  /** Of a conflict: replace the other version by this one, or take the other one. `undo` gives back what was typed. */
  keepMine: () => Promise<boolean>
  takeOther: () => void
  undo: ShallowRef<(() => void) | null>
}

export function useDrafting(id: string, sub: string | undefined): Drafting {
  const work = ref<Work>({ form: emptyForm(), version: 0 })
  const draft = useDraft(`notice:${id}`, work)
  const own = shallowRef<OwnNotice | null>(null)
  const state = ref<Saving>('loading')
  const problem = shallowRef<ApiProblem | null>(null)
  const savedAt = ref<string | null>(null)
  const restored = ref(false)
  const other = shallowRef<OwnNotice | null>(null)
  const editors = shallowRef<Schemas['EditorOut'][]>([])
  const undo = shallowRef<(() => void) | null>(null)
  const body = computed(() => bodyOf(work.value.form))
  const current = computed(() => JSON.stringify(body.value))
  let saved = ''
  const savedText = ref('')
  const unsaved = computed(() => state.value !== 'loading' && current.value !== savedText.value)
  let timer = 0
  let failures = 0
  let running: Promise<void> | null = null
  let ended = false

  function isSaved(text: string): void {
    saved = text
    savedText.value = text
  }

  /** Puts a stored version into the form. */
  function show(found: OwnNotice): void {
    own.value = found
    work.value = { form: formOf(found), version: found.version }
    isSaved(current.value)
    savedAt.value = found.updated_at
    state.value = 'saved'
    problem.value = null
    other.value = null
    void nextTick(() => {
      if (!unsaved.value) draft.forget()
    })
  }

  async function load(): Promise<void> {
    state.value = 'loading'
    try {
      const found = await getOwn(id)
      const kept = draft.restored.value ? work.value : null
      own.value = found
      problem.value = null
      if (kept === null || found.status !== 'draft') {
        show(found)
      } else {
        isSaved(JSON.stringify(bodyOf(formOf(found))))
        savedAt.value = found.updated_at
        if (sameContent(body.value, bodyOf(formOf(found)))) show(found)
        else if (kept.version === found.version) {
          restored.value = true
          state.value = 'waiting'
          plan(0)
        } else conflict(found)
      }
      if (found.status === 'draft') void present()
    } catch (error) {
      problem.value = asProblem(error)
    }
  }

  function conflict(found: OwnNotice): void {
    other.value = found
    state.value = 'conflict'
  }

  function plan(wait: number): void {
    window.clearTimeout(timer)
    timer = window.setTimeout(() => void save(), wait)
  }

  function save(): Promise<void> {
    running ??= saveOnce().finally(() => (running = null))
    return running
  }

  async function saveOnce(): Promise<void> {
    window.clearTimeout(timer)
    if (state.value === 'conflict' || state.value === 'loading') return
    // A class of secrecy is not sent anywhere: see the text of the form.
    if (work.value.form.secrecy !== UNCLASSIFIED) {
      state.value = 'classified'
      return
    }
    const sent = body.value
    const text = current.value
    if (text === saved) {
      state.value = 'saved'
      return
    }
    state.value = 'saving'
    try {
      const found = await saveDraft(id, sent, work.value.version)
      arrived(found, text)
    } catch (error) {
      await failed(asProblem(error), sent, text)
    }
  }

  function arrived(found: Stored, text: string): void {
    failures = 0
    if (own.value) own.value = { ...own.value, ...found }
    work.value.version = found.version
    isSaved(text)
    savedAt.value = found.updated_at
    problem.value = null
    restored.value = false
    if (current.value === text) {
      state.value = 'saved'
      void nextTick(() => {
        if (!unsaved.value) draft.forget()
      })
    } else {
      state.value = 'waiting'
      plan(PAUSE)
    }
  }

  async function failed(found: ApiProblem, sent: Schemas['DraftIn'], text: string): Promise<void> {
    problem.value = found
    if (found.status === 412) {
      const now = await getOwn(id).catch(() => null)
      if (now && now.updated_by === sub && sameContent(bodyOf(formOf(now)), sent)) arrived(now, text)
      else if (now) conflict(now)
      else retry()
    } else if (found.temporary) retry()
    else state.value = 'refused'
  }

  function retry(): void {
    state.value = 'offline'
    plan(AGAIN[Math.min(failures, AGAIN.length - 1)] ?? PAUSE)
    failures += 1
  }

  async function flush(): Promise<boolean> {
    if (running) await running
    if (unsaved.value) await save()
    return !unsaved.value
  }

  async function keepMine(): Promise<boolean> {
    if (!other.value) return false
    work.value.version = other.value.version
    other.value = null
    state.value = 'waiting'
    return flush()
  }

  function takeOther(): void {
    const found = other.value
    if (!found) return
    const mine = JSON.parse(JSON.stringify(work.value.form)) as Form
    show(found)
    undo.value = () => {
      work.value.form = mine
      undo.value = null
    }
  }

  async function present(): Promise<void> {
    try {
      const found = await joinEditing(id)
      editors.value = found.editors.filter((one) => one.sub !== sub)
      // Somebody else, or another tab, has saved meanwhile.
      if (found.version > work.value.version && !running && state.value !== 'conflict') {
        const now = await getOwn(id)
        if (now.version > work.value.version && !running) conflict(now)
      }
    } catch {
      // It is asked again; saving tells what is wrong.
    }
  }

  const stop = watch(current, (text) => {
    if (state.value === 'loading' || state.value === 'conflict') return
    if (text === saved) return
    if (state.value !== 'offline' && state.value !== 'saving') state.value = 'waiting'
    plan(PAUSE)
  })
  const online = (): void => {
    if (state.value === 'offline') plan(0)
  }
  const closing = (event: BeforeUnloadEvent): void => {
    // What this tab keeps goes with it when it is closed; a reload finds it again, and so does signing in anew.
    if (unsaved.value && state.value !== 'refused') event.preventDefault()
  }
  const presence = window.setInterval(() => {
    if (!ended && own.value?.status === 'draft') void present()
  }, PRESENCE)
  window.addEventListener('online', online)
  window.addEventListener('beforeunload', closing)
  onScopeDispose(() => {
    ended = true
    stop()
    window.clearTimeout(timer)
    window.clearInterval(presence)
    window.removeEventListener('online', online)
    window.removeEventListener('beforeunload', closing)
    if (own.value?.status === 'draft') void leaveEditing(id).catch(() => undefined)
  })
  return { work, own, state, problem, savedAt, restored, other, editors, unsaved, load, flush, keepMine, takeOther, undo }
}
