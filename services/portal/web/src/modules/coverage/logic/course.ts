/** The facts of a unit as one line of time. */
import { time } from '@/texts/format'
import type { UnitCoverage } from '../api'
import { coverageTexts } from '../texts'

const texts = coverageTexts.course

export interface CourseStep {
  at: string
  what: string
  more: string
}

/** Returns what happened, the earliest first; what happened at the same time stays in the order of the work. */
export function courseOf(found: UnitCoverage): CourseStep[] {
  const steps: CourseStep[] = []
  const add = (at: string | null, what: string, ...more: (string | null | undefined | false)[]): void => {
    if (at) steps.push({ at, what, more: more.filter(Boolean).join(' · ') })
  }
  add(found.delivered_at, texts.delivered, found.sender && texts.sender(found.sender.name))
  for (const one of found.reads) add(one.read_at, texts.read, one.name)
  const signed = found.signature
  if (signed) {
    const behalf = signed.signing_unit && texts.signedFor(signed.signing_unit.name)
    add(signed.signed_at, texts.signed, signed.signed_by_name, behalf, signed.reason, signed.late && texts.late)
  }
  for (const one of found.forwardings) add(one.forwarded_at, one.number > 1 ? texts.forwardedAgain : texts.forwarded, one.forwarded_by_name, texts.until(time(one.deadline)))
  for (const one of found.submissions) add(one.submitted_at, one.number > 1 ? texts.answeredAgain : texts.answered, one.submitted_by_name)
  for (const one of found.reminders) add(one.at, texts.reminded, texts.reminders[one.reason])
  for (const one of found.returns) {
    add(one.returned_at, texts.returned, one.returned_by_name, one.reason)
    add(one.decided_at, texts.decisions[one.status] ?? one.status, one.decided_by_name, one.note)
  }
  return steps.sort((one, two) => new Date(one.at).getTime() - new Date(two.at).getTime())
}
