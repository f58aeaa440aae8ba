export const contactsTexts = { title: '通讯录', about: '上下级单位和人员，按隶属关系查看', when: '此栏目正在建设，将在后续版本开放。' }
