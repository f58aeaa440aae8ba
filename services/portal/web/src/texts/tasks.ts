export const taskKinds: Record<string, string> = {
  review: '审核',
  issue: '签发',
  sign: '签收',
  handle: '承办',
  answer: '答复',
  return: '退回',
  other: '其他',
}
