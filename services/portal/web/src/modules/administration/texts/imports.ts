export const importTexts = {
  imports: {
    title: '单位导入',
    about: '用表格批量新增和变更单位，先校验后导入',
  },
}
