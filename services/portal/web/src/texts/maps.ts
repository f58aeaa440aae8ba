/** Words of maps, and of the places on them. */
export const mapTexts = {
  origin: (source: string, approval: string) => `地图：${source}，审图号 ${approval}`,
  none: '没有数据',
  missing: '地图没有取到，各下级的数值见旁边的列表和表格。',
  inset: '南海诸岛',
  less: '低',
  more: '高',
  /** What a map writes into an area. */
  short: (name: string): string =>
    name
      .replace(/(特别行政区|维吾尔自治区|壮族自治区|回族自治区|自治区|省)$/, '')
      .replace(/^(.{2,})(市|地区|盟|新区)$/, '$1'),
  /** A unit's name as a place: 济南市. */
  place: (name: string): string => name.replace(/(学生)?资助管理(中心|部门|办公室)$/, '') || name,
  beside: '单列显示',
  below: '下级单位',
  marks: { separately_planned: '计划单列市', corps: '兵团', school: '直属学校', moved: '已调整或撤销' } as Record<string, string>,
} as const
