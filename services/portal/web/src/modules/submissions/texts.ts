export const submissionsTexts = {
  title: '投稿',
  about: '经验材料逐级报送、审核、采用和通报',
  when: '此栏目正在建设，将在后续版本开放。',
}
