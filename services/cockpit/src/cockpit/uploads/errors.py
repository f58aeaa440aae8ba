"""Errors of uploads."""

from servicekit.problems import Conflict, NotFound, Problem


class UploadNotFound(NotFound):
    """The upload does not exist, or its time is over."""

    code = "upload_not_found"
    title = "上传不存在"
    detail = "没有这次上传，或已过期清除。"


class UploadOffsetMismatch(Conflict):
    """The part does not begin where the file ends so far."""

    code = "upload_offset_mismatch"
    title = "续传位置不符"
    detail = "这一段的起点与已收到的长度不符，请先查询上传进度，再从该处续传。"

    @classmethod
    def at(cls, received: int) -> "UploadOffsetMismatch":
        """Create with the position to go on at."""
        return cls(f"已收到 {received} 字节，请从该处续传。")


class UploadTooLong(Conflict):
    """The parts are longer than the size that was declared."""

    code = "upload_too_long"
    title = "超过声明的大小"
    detail = "收到的内容超过声明的文件大小。"


class ChecksumMismatch(Problem):
    """The content is not what the sender says it is: something was lost or changed on the way."""

    status = 400
    code = "checksum_mismatch"
    title = "校验和不符"
    detail = "收到的内容与声明的 SHA-256 不符，传输中可能有误，请重新上传。"


class UploadSpaceExhausted(Problem):
    """Other files take the space for files that arrive in parts."""

    status = 503
    code = "upload_space_exhausted"
    title = "上传空间不足"
    detail = "正在上传和接收的文件已占满上传空间，请稍后再试；本次上传没有留下任何内容。"
    retry_after = 600


class UploadEnded(Conflict):
    """The upload is complete or cancelled."""

    code = "upload_ended"
    title = "上传已结束"
    detail = "这次上传已完成、失败或取消，不再接收内容。"


class TooManyUploads(Problem):
    """The person has too many unfinished uploads."""

    status = 429
    code = "too_many_uploads"
    title = "未完成的上传过多"
    detail = "未完成的上传过多，请先完成或取消其中一些。"
    retry_after = 60
