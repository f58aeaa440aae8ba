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
