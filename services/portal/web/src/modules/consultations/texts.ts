export const consultationsTexts = {
  title: '咨询',
  about: '业务咨询的受理、交办、答复和评价',
  when: '此栏目正在建设，将在后续版本开放。',
}
