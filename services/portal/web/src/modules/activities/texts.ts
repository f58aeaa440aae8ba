export const activitiesTexts = {
  title: '活动',
  about: '培训、会议的报名、签到、考试和通报',
  when: '此栏目正在建设，将在后续版本开放。',
}
