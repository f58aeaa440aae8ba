export const administrationTexts = {
  title: '组织管理',
  about: '单位、人员、邀请、加入审核和系统授权',
  lead: '单位和人员在统一用户认证中管理，已登录的无需再次登录。',
  units: '我的单位和加入申请',
  unitsAbout: '查看本人所在单位，用邀请码加入单位',
  account: '我的账号',
  accountAbout: '手机号、登录方式、登录记录、个人信息',
}
