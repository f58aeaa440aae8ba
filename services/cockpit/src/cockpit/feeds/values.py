"""The values that columns of feeds may have: codes, which are stored, and the Chinese words that files may
have instead.
"""

from contracts.vocabulary import Stage

STAGES = {stage.value: stage.label for stage in Stage}
"""The eight stages (学段), in order of age."""

TOTAL = "total"
PUBLISHED_STAGES = {**STAGES, "higher": "普通高等教育", TOTAL: "合计"}
"""Published tables put all of higher education together, and have a line of totals."""

FUNDING = {
    "central": "中央财政",
    "local": "地方财政",
    "school": "学校",
    "social": "社会",
    "bank": "银行",
}
PUBLISHED_FUNDING = {"government": "财政", **FUNDING, "placement": "顶岗实习", "all": "全部来源"}
TERMS = {"spring": "春季", "autumn": "秋季", "year": "全年"}
REGION_GROUPS = {"east": "东部", "central": "中部", "west": "西部"}
"""The groups in which national tables sum provinces."""

PROGRAMMES = {
    "preschool_aid": "学前教育资助",
    "preschool_free": "学前一年免保育教育费",
    "living_allowance": "义务教育家庭经济困难学生生活补助",
    "nutrition": "义务教育营养改善计划",
    "textbooks": "免费教科书",
    "high_school_grant": "普通高中国家助学金",
    "high_school_tuition": "普通高中免学杂费",
    "vocational_grant": "中等职业教育国家助学金",
    "vocational_tuition": "中等职业教育免学费",
    "vocational_scholarship": "中等职业教育国家奖学金",
    "national_scholarship": "本专科生国家奖学金",
    "inspirational_scholarship": "国家励志奖学金",
    "undergraduate_grant": "本专科生国家助学金",
    "postgraduate_scholarship": "研究生国家奖学金",
    "academic_scholarship": "研究生学业奖学金",
    "postgraduate_grant": "研究生国家助学金",
    "student_loan": "国家助学贷款",
    "tuition_compensation": "基层就业学费补偿贷款代偿",
    "military_service": "服兵役学生国家教育资助",
    "veterans": "退役士兵学生资助",
    "new_students": "家庭经济困难新生入学资助",
    "work_study": "勤工助学",
    "green_channel": "绿色通道",
    "hardship_allowance": "特殊困难补助",
    "tuition_waiver": "学费减免",
    "local_programme": "地方政府资助项目",
    "school_programme": "校内资助项目",
    "social_programme": "社会资助项目",
    "other_programme": "其他资助项目",
}
"""Programmes (资助项目) of research and of the annual reports; what is run locally has four names for all."""
PROGRAMME_WORDS = {
    "生活补助": "living_allowance",
    "营养改善计划": "nutrition",
    "国家奖学金": "national_scholarship",
    "励志奖学金": "inspirational_scholarship",
    "中职国家助学金": "vocational_grant",
    "中职免学费": "vocational_tuition",
    "中职国家奖学金": "vocational_scholarship",
    "普高国家助学金": "high_school_grant",
    "普高免学杂费": "high_school_tuition",
    "本专科国家助学金": "undergraduate_grant",
    "助学贷款": "student_loan",
    "家庭经济困难学生生活补助": "living_allowance",
    "中等职业学校国家助学金": "vocational_grant",
    "中等职业学校免学费": "vocational_tuition",
    "硕士研究生国家助学金": "postgraduate_grant",
    "博士研究生国家助学金": "postgraduate_grant",
}
"""Other words for programmes, which files may have."""

HARDSHIP_TYPES = {
    "unstable": "脱贫不稳定家庭学生",
    "marginal": "边缘易致贫家庭学生",
    "sudden": "突发严重困难家庭学生",
    "minimum_living": "最低生活保障家庭学生",
    "extreme_poverty": "特困供养学生",
    "orphan": "孤儿",
    "no_guardian": "事实无人抚养儿童",
    "disabled": "残疾学生",
    "disabled_parents": "残疾人子女",
    "martyr": "烈士子女",
    "low_income": "低收入家庭学生",
    "other": "其他家庭经济困难学生",
}
HARDSHIP_LEVELS = {"severe": "特别困难", "hard": "困难", "mild": "一般困难"}
HARDSHIP_SOURCES = {
    "rural_revitalisation": "农业农村（乡村振兴）部门",
    "civil_affairs": "民政部门",
    "disabled_federation": "残联",
    "veterans_affairs": "退役军人事务部门",
    "trade_union": "工会",
    "school": "学校认定",
}
ENROLMENT_STATES = {"enrolled": "在籍在读", "suspended": "休学", "left": "离校", "graduated": "毕业"}
NATURES = {"public": "公办", "private": "民办"}
RESIDENCE = {"urban": "城市", "town": "镇区", "rural": "乡村"}
TRUTH = {"yes": "是", "no": "否"}
PAYMENT_STATES = {"due": "应发", "paid": "已发放", "returned": "退回", "cancelled": "取消"}
FLOW_LEVELS = {
    "central": "中央",
    "province": "省级",
    "city": "市级",
    "county": "县级",
    "school": "学校",
}
FLOW_KINDS = {"budget": "下达", "transfer": "拨付", "payment": "发放", "return": "收回"}
LOAN_KINDS = {"origin": "生源地助学贷款", "campus": "校园地助学贷款"}
LOAN_STATES = {"granted": "已发放", "repaying": "还款中", "settled": "已结清", "overdue": "逾期"}
BANKS = {"cdb": "国家开发银行", "rcc": "农村信用社", "other": "其他银行"}
