"""Errors for rejected files."""

from servicekit.problems import Problem


class UnsupportedFileType(Problem):
    """The type of the content is not accepted; the file name and the header are not considered."""

    status = 415
    code = "unsupported_file_type"
    title = "不支持的文件类型"
    detail = "文件内容不是允许的类型。"


class FileInfected(Problem):
    """The virus scanner has detected malware."""

    status = 400
    code = "file_infected"
    title = "文件未通过安全检查"
    detail = "文件中发现恶意代码，未被接收。"


class ScannerUnavailable(Problem):
    """The virus scanner does not respond; files are not accepted without a scan."""

    status = 503
    code = "scanner_unavailable"
    title = "安全检查暂不可用"
    detail = "文件安全检查暂不可用，请稍后重试。"
    retry_after = 30


class ScanLimitExceeded(Problem):
    """The file is larger than the virus scanner is configured to accept."""

    status = 413
    code = "scan_limit_exceeded"
    title = "内容过大"
    detail = "文件超过安全检查的大小限制。"


class FileCorrupt(Exception):
    """A stored file does not match its digest: the storage is damaged."""


class EmptyFile(Problem):
    """The file has no heading or no rows."""

    status = 400
    code = "empty_file"
    title = "文件没有内容"
    detail = "文件中没有数据行。"


class MalformedCsv(Problem):
    """The file is not CSV (RFC 4180)."""

    status = 400
    code = "malformed_csv"
    title = "不是有效的 CSV"
    detail = "文件不是有效的 CSV。"


class UnknownEncoding(Problem):
    """The bytes are neither UTF-8 nor GB18030."""

    status = 400
    code = "unknown_encoding"
    title = "无法识别文件编码"
    detail = "文件既不是 UTF-8 编码，也不是 GB18030（GBK）编码。请另存为“CSV UTF-8”后重新上传。"


class WorkbookRefused(Problem):
    """Base of errors of Excel files."""

    status = 400


class OldWorkbook(WorkbookRefused):
    """The file is in the binary format of Excel 97–2003 (.xls)."""

    status = 415
    code = "old_workbook"
    title = "不支持 .xls 文件"
    detail = "文件是 Excel 97–2003 工作簿（.xls），请另存为 .xlsx 后重新上传。"


class EncryptedWorkbook(WorkbookRefused):
    """The workbook is encrypted with a password."""

    status = 415
    code = "encrypted_workbook"
    title = "文件已加密"
    detail = "工作簿设有打开密码，请取消密码后重新上传。"


class MacroWorkbook(WorkbookRefused):
    """The workbook contains macros."""

    status = 415
    code = "macro_workbook"
    title = "文件含有宏"
    detail = "工作簿含有宏（如 .xlsm），请另存为不含宏的 .xlsx 后重新上传。"


class MalformedWorkbook(WorkbookRefused):
    """The file is not a valid workbook (ECMA-376)."""

    code = "malformed_workbook"
    title = "不是有效的 Excel 文件"
    detail = "文件已损坏，或不是有效的 .xlsx 工作簿。"


class WorkbookTooLarge(WorkbookRefused):
    """The unpacked workbook is larger than any real one: a bomb, or a file that needs cleaning."""

    status = 413
    code = "workbook_too_large"
    title = "工作簿过大"
    detail = "工作簿展开后过大。请删除多余的行、列和格式，或分成几个文件上传。"


class SeveralSheets(WorkbookRefused):
    """It is not clear which sheet is meant."""

    code = "several_sheets"
    title = "有多个工作表"
    detail = "工作簿有多个工作表，请只保留一个。"


class SheetMissing(WorkbookRefused):
    """No visible sheet has the rows that are wanted."""

    code = "sheet_missing"
    title = "没有所需的工作表"
    detail = "工作簿中没有所需的工作表。"


class DiskFull(Problem):
    """There is no space for temporary files."""

    status = 503
    code = "disk_full"
    title = "存储空间不足"
    detail = "服务器的临时存储空间不足，未接收任何内容，请稍后再试。"
    retry_after = 300


class NotAForm(Problem):
    """The body is not multipart/form-data with a boundary."""

    status = 415
    code = "not_a_form"
    title = "不是表单"
    detail = "请以 multipart/form-data 表单提交文件。"


class MalformedForm(Problem):
    """The form is not one with fields and then one file (RFC 7578)."""

    status = 400
    code = "malformed_form"
    title = "表单有误"
    detail = "表单格式有误：应先是各字段，最后是名为 file 的文件。"


class MalformedArchive(Problem):
    """The file is not a ZIP archive, or not one that every reader understands."""

    status = 400
    code = "malformed_archive"
    title = "不是有效的 ZIP 压缩包"
    detail = "文件已损坏，或不是有效的 ZIP 压缩包。"


class EncryptedArchive(Problem):
    """The archive is encrypted."""

    status = 415
    code = "encrypted_archive"
    title = "压缩包已加密"
    detail = "压缩包设有密码，请取消密码后重新上传。"


class UnsafeArchive(Problem):
    """The archive has names that lead elsewhere, links, or entries that overlap."""

    status = 400
    code = "unsafe_archive"
    title = "压缩包不安全"
    detail = "压缩包内有不安全的路径、链接或重叠的内容，请重新压缩后上传。"


class NestedArchive(Problem):
    """A file of the archive is an archive itself."""

    status = 400
    code = "nested_archive"
    title = "压缩包内还有压缩包"
    detail = "压缩包内还有压缩包，请直接放入各文件。"


class UnsupportedMember(Problem):
    """The archive has a file of another type."""

    status = 415
    code = "unsupported_member"
    title = "压缩包内有其他类型的文件"
    detail = "压缩包内有其他类型的文件。"


class ArchiveTooLarge(Problem):
    """The archive unpacks to more than it may, or has too many files: perhaps a bomb."""

    status = 413
    code = "archive_too_large"
    title = "压缩包过大"
    detail = "压缩包展开后过大，请分成几个压缩包上传。"
