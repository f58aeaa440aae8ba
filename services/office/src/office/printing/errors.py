"""Errors of printing."""

from servicekit.problems import Conflict, Problem


class DocumentTooLong(Conflict):
    """The document has too many pages, or takes too long to lay out."""

    code = "document_too_long"
    title = "文件过长"
    detail = "文件页数过多或内容过于复杂，无法生成 PDF，请精简正文或改用附件。"


class PrintingUnavailable(Problem):
    """No Chinese font is installed, or the printing process failed."""

    status = 503
    code = "printing_unavailable"
    title = "暂时无法生成 PDF"
    detail = "暂时无法生成 PDF，请稍后再试；如持续出现，请联系系统管理员检查中文字体。"


class PrintersBusy(Problem):
    """Too many documents wait to be laid out."""

    status = 503
    code = "printers_busy"
    title = "打印任务较多"
    detail = "正在生成的 PDF 较多，请稍后再试。"
