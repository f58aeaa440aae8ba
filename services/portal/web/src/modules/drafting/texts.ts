import { composingTexts } from './texts/composing'
import { formTexts } from './texts/form'
import { numberTexts } from './texts/numbers'
import { stepTexts } from './texts/steps'
import { templateTexts } from './texts/templates'

export const draftingTexts = {
  title: '发文管理',
  about: '起草、审核、签发和发布通知',
  caption: '本单位的发文',
  subject: '标题',
  number: '发文字号',
  kind: '文种',
  kinds: { notice: '通知', announcement: '公告', circular: '通报', transmittal: '转发' } as Record<string, string>,
  state: '状态',
  states: { draft: '草稿', reviewing: '审核中', reviewed: '待签发', issued: '待发布', published: '已发布', withdrawn: '已撤回', superseded: '已被替代', archived: '已归档' } as Record<string, string>,
  people: '起草／签发',
  updated: '最近修改',
  deadline: '办理期限',
  order: '排序',
  orders: { created: '最新起草在前', updated: '最近修改在前' } as Record<string, string>,
  year: '年度',
  q: '标题、正文或文号',
  mine: '起草人',
  onlyMine: '只看本人起草的',
  urgency: '紧急程度',
  untitled: '（未填写标题）',
  empty: '没有符合条件的发文',
  emptyAll: '本单位还没有发文。点“起草通知”开始。',
  compose: '起草通知',
  edit: '继续编辑',
  templates: '通知模板',
  numbers: '文号管理',
  backToList: '返回发文列表',
  tabs: '按状态查看',
  tabAll: '全部',
  tabDone: '撤回／替代／归档',
  scheduled: (when: string) => `定于 ${when} 发布`,
  ...composingTexts,
  ...stepTexts,
  ...formTexts,
  ...numberTexts,
  ...templateTexts,
} as const
