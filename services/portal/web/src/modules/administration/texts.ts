import { clientTexts } from './texts/clients'
import { importTexts } from './texts/imports'
import { peopleTexts } from './texts/people'
import { standingTexts } from './texts/standing'
import { unitTexts } from './texts/units'

export const administrationTexts = {
  title: '组织管理',
  about: '单位、人员、邀请、审核和授权',
  overview: '概览',
  subjectsLabel: '管理事项',
  waiting: '待我审核',
  nothingWaiting: '没有等待处理的事项',
  own: '本人',
  ownUnits: '我的单位和加入申请',
  ownUnitsAbout: '查看本人所在单位，用邀请码加入单位',
  account: '我的账号',
  accountAbout: '手机号、登录方式、登录记录、个人信息',
  name: '姓名',
  unit: '单位',
  phone: '手机号',
  roles: '角色',
  posts: '职务',
  postsHint: '可填多个，用顿号或逗号分隔，最多 5 个',
  state: '状态',
  reason: '原因',
  entitlement: '授权',
  entitlements: { cockpit: '数字驾驶舱' } as Record<string, string>,
  notGrantable: '（您无权授予）',
  typeToSearch: '输入名称、拼音或代码查找',
  ofUnit: '当前单位：',
  otherUnit: '查看其他单位',
  ownUnit: '回到本单位',
  keepUnit: '不更换',
  ages: { newest: '从新到旧', oldest: '从旧到新' } as Record<string, string>,
  ...unitTexts,
  ...peopleTexts,
  ...standingTexts,
  ...importTexts,
  ...clientTexts,
}
