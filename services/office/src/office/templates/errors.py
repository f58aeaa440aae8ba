"""Errors of requests about templates."""

from servicekit.problems import Conflict, Problem


class ClassifiedTemplateRefused(Problem):
    """The template bears the mark of a state secret."""

    status = 400
    code = "classified_document_refused"
    title = "不得上传涉密文件"
    detail = "本系统不处理标有秘密、机密、绝密的文件，请通过保密渠道办理。"


class TemplateTooDeep(Problem):
    """The elements of the body are nested too deeply."""

    status = 400
    code = "body_too_deep"
    title = "正文格式过于复杂"
    detail = "正文的列表、表格等嵌套层次过多，请简化格式，或粘贴为纯文本后再试。"


class TemplateNameTaken(Conflict):
    """The unit has another template with this name."""

    code = "template_name_taken"
    title = "模板名称已存在"
    detail = "本单位已有同名的模板。"
