"""Errors of requests about articles."""

from servicekit.problems import Conflict, Forbidden, Problem


class OnlyCentre(Forbidden):
    """Only the unit at the top of the tree keeps articles."""

    code = "only_centre"
    title = "只有中心可以维护帮助"
    detail = "帮助文章由全国学生资助管理中心维护，您的单位只能查看。"


class ClassifiedArticleRefused(Problem):
    """The article bears the mark of a state secret."""

    status = 400
    code = "classified_document_refused"
    title = "不得上传涉密文件"
    detail = "本系统不处理标有秘密、机密、绝密的文件，请通过保密渠道办理。"


class ArticleTooDeep(Problem):
    """The elements of the body are nested too deeply."""

    status = 400
    code = "body_too_deep"
    title = "正文格式过于复杂"
    detail = "正文的列表、表格等嵌套层次过多，请简化格式，或粘贴为纯文本后再试。"


class ArticleTitleTaken(Conflict):
    """Another article has this title."""

    code = "article_title_taken"
    title = "标题已存在"
    detail = "已有同名的帮助文章。"
