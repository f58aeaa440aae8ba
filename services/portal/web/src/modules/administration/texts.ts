export const administrationTexts = {
  title: '组织管理',
  about: '本人所在单位、加入申请和账号',
  lead: '本人的单位和账号在统一用户认证中管理，已登录的无需再次登录。',
  planned: '人员、邀请、加入审核和系统授权的页面正在建设，将在后续版本开放；建设期间由接口办理。',
  units: '我的单位和加入申请',
  unitsAbout: '查看本人所在单位，用邀请码加入单位',
  account: '我的账号',
  accountAbout: '手机号、登录方式、登录记录、个人信息',
}
