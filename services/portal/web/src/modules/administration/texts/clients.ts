export const clientTexts = {
  clients: {
    title: '接入系统',
    about: '登记其他系统，更换密钥',
  },
  audit: {
    title: '审计日志',
    about: '查询和导出操作记录',
  },
}
