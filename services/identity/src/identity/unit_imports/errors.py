"""Errors of imports and exports of units."""

from servicekit.problems import Conflict, NotFound


class ImportNotFound(NotFound):
    """The import does not exist or is out of reach."""

    code = "unit_import_not_found"
    title = "导入不存在"
    detail = "所指定的导入不存在，或不在您的管辖范围内。"


class ImportNotReady(Conflict):
    """The state of the import does not allow this step."""

    code = "unit_import_not_ready"
    title = "当前不能执行此操作"
    detail = "校验完成之后才能导入；已结束的导入不能再次导入或取消。"


class TooManyImports(Conflict):
    """The person has too many checks and exports that have not ended."""

    code = "too_many_imports"
    title = "未完成的导入导出过多"
    detail = "您有多项校验或导出尚未完成，请稍后再试。"


class ExportEnded(Conflict):
    """The export has ended already."""

    code = "unit_export_ended"
    title = "导出已经结束"
    detail = "这项导出已经结束，不能取消。"


class NothingToImport(Conflict):
    """No row of the file opens or changes a unit."""

    code = "nothing_to_import"
    title = "没有可导入的内容"
    detail = "文件中没有新增或变更的单位。"


class RowsAreWrong(Conflict):
    """Some rows are wrong, and the request does not say that they are to be left out."""

    code = "rows_are_wrong"
    title = "有错误的行"
    detail = "部分行有错误。请改正后重新上传，或选择跳过有错误的行。"


class NoFailedRows(NotFound):
    """All rows of the import were right."""

    code = "no_failed_rows"
    title = "没有失败的行"
    detail = "该导入没有失败的行，或校验尚未完成。"


class ExportNotFound(NotFound):
    """The export does not exist or belongs to somebody else."""

    code = "unit_export_not_found"
    title = "导出不存在"
    detail = "所指定的导出不存在。"


class ExportNotReady(Conflict):
    """The file has not been made yet."""

    code = "unit_export_not_ready"
    title = "文件尚未生成"
    detail = "文件尚未生成，请稍后再试。"
