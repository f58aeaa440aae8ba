"""Errors of files."""

from typing import ClassVar

from servicekit.problems import Conflict, Problem


class EmptyUpload(Problem):
    """The file has no content."""

    code = "empty_upload"
    title = "文件为空"
    detail = "文件没有内容（0 字节），请检查后重新上传。"


class BadFileName(Problem):
    """Nothing that can be displayed remains of the name."""

    code = "bad_file_name"
    title = "文件名无效"
    detail = "文件名无效，请重新命名后上传。"


class UnpackedTooLarge(Problem):
    """The document unpacks to more than any real one: a bomb. Or its archive is damaged."""

    status = 413
    code = "unpacked_too_large"
    title = "文件展开后过大"
    detail = "文件已损坏，或展开后过大，未被接收。"


class TooManyLooseFiles(Conflict):
    """The person has too many files that are not attached to anything."""

    code = "too_many_loose_files"
    title = "未使用的文件过多"
    detail = "您上传后尚未使用的文件过多，请先使用或删除，再上传新的文件。"


class FileAttached(Conflict):
    """The file is part of something, so it cannot be deleted by itself."""

    code = "file_attached"
    title = "文件已被使用"
    detail = "文件已作为附件，不能单独删除。"


class FileNotAttachable(Problem):
    """A file does not exist, belongs to somebody else, or is attached to something else."""

    code = "file_not_attachable"
    title = "附件无效"
    detail = "附件不存在、已过期，或已用于其他内容，请重新上传。"


class TooManyAttachments(Problem):
    """The subject would have more files than a subject can have."""

    code = "too_many_attachments"
    title = "附件过多"
    detail = "附件数量超过上限。"


class PreviewNotReady(Conflict):
    """The preview is still being made."""

    code = "preview_not_ready"
    title = "预览尚未生成"
    detail = "预览正在生成，请稍后再试。"


class FilesUnavailable(Problem):
    """No place for files is configured, or the stored content is missing."""

    status = 503
    code = "files_unavailable"
    title = "文件服务暂不可用"
    detail = "文件服务暂不可用，请稍后重试。"
    retry_after = 60


class RangeNotSatisfiable(Problem):
    """The file ends before the range begins (RFC 9110 §15.5.17)."""

    status = 416
    code = "range_not_satisfiable"
    title = "请求的范围无效"
    detail = "请求的范围超出文件大小。"
    accept: ClassVar[str] = "bytes"

    @classmethod
    def of(cls, size: int) -> "RangeNotSatisfiable":
        """Return the error with the size of the file, in bytes."""
        problem = cls()
        problem.headers = {"Content-Range": f"{cls.accept} */{size}", "Accept-Ranges": cls.accept}
        return problem
