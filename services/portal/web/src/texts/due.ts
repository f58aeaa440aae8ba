export const dueTexts = {
  open: '无期限',
  overdue: '已逾期',
  today: '今日截止',
  workdays: (count: number) => `剩 ${count} 个工作日`,
  days: (count: number) => `剩 ${count} 天`,
  until: (when: string) => `${when} 截止`,
}
