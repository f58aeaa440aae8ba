/** All modules, in the order of the navigation. A new one is added here and nowhere else. */
import type { Module } from './module'
import { activities } from './activities/routes'
import { administration } from './administration/routes'
import { answers } from './answers/routes'
import { cockpit } from './cockpit/routes'
import { complaints } from './complaints/routes'
import { consultations } from './consultations/routes'
import { contacts } from './contacts/routes'
import { coverage } from './coverage/routes'
import { help } from './help/routes'
import { drafting } from './drafting/routes'
import { home } from './home/routes'
import { intake } from './intake/routes'
import { notices } from './notices/routes'
import { search } from './search/routes'
import { submissions } from './submissions/routes'
import { tasks } from './tasks/routes'

export const modules: readonly Module[] = [
  home,
  tasks,
  notices,
  coverage,
  drafting,
  answers,
  contacts,
  search,
  cockpit,
  activities,
  submissions,
  consultations,
  complaints,
  intake,
  administration,
  help,
]
