export const complaintsTexts = {
  title: '投诉',
  about: '投诉事项的登记、告知、核查和办结',
  when: '此栏目正在建设，将在后续版本开放。',
}
