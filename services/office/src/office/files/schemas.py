"""API schemas of files."""

from datetime import datetime
from typing import Self
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field

from contracts.documents import PreviewStatus
from office.directory.schemas import UnitRef
from office.files.service import DownloadView, FileView


class FileOut(BaseModel):
    """A file."""

    id: UUID = Field(description="文件的标识")
    name: str = Field(description="文件名，已去除路径和不可见字符", examples=["培训日程.pdf"])
    media_type: str = Field(description="由内容识别的类型", examples=["application/pdf"])
    size: int = Field(description="大小（字节）", examples=[182044])
    unit_id: UUID = Field(description="文件所属单位的标识")
    unit_name: str | None = Field(description="文件所属单位的名称", examples=["山东省学生资助管理中心"])
    uploaded_by: UUID = Field(description="上传人的标识")
    uploader_name: str | None = Field(description="上传人姓名", examples=["王芳"])
    uploaded_at: datetime = Field(description="上传时间", examples=["2023-04-27T01:00:00Z"])
    subject_kind: str | None = Field(description="附于何种内容；尚未使用时为空", examples=["notice"])
    subject_id: UUID | None = Field(description="所附内容的标识；尚未使用时为空")
    preview: PreviewStatus = Field(description="首页预览的状态", examples=["ready"])

    @classmethod
    def of(cls, view: FileView) -> Self:
        """Convert a file."""
        file = view.file
        return cls(
            id=file.id,
            name=file.name,
            media_type=file.media_type,
            size=file.size,
            unit_id=file.unit_id,
            unit_name=view.unit_name,
            uploaded_by=file.uploaded_by,
            uploader_name=view.uploader_name,
            uploaded_at=file.uploaded_at,
            subject_kind=file.subject_kind,
            subject_id=file.subject_id,
            preview=file.preview_status,
        )


class FileRef(BaseModel):
    """A file that something refers to by its id."""

    model_config = ConfigDict(from_attributes=True)

    id: UUID = Field(description="文件的标识")
    name: str = Field(description="文件名", examples=["培训日程.pdf"])
    media_type: str = Field(description="由内容识别的类型", examples=["application/pdf"])
    size: int = Field(description="大小（字节）", examples=[24576])


class FilesOut(BaseModel):
    """The files of a subject."""

    items: list[FileOut] = Field(description="文件，按附件顺序，最多 50 个")


class DownloadOut(BaseModel):
    """A download of a file of the unit."""

    id: UUID = Field(description="下载记录的标识")
    file_id: UUID = Field(description="文件的标识")
    file_name: str = Field(description="文件名", examples=["培训日程.pdf"])
    by: UUID = Field(description="下载人的标识")
    person_name: str | None = Field(description="下载人姓名", examples=["李明"])
    unit: UnitRef | None = Field(description="下载人当时所在单位；尚未同步时为空")
    at: datetime = Field(description="下载时间", examples=["2023-04-27T02:00:00Z"])
    preview: bool = Field(description="是否只查看了首页预览", examples=[False])

    @classmethod
    def of(cls, view: DownloadView) -> Self:
        """Convert a download."""
        download = view.download
        return cls(
            id=download.id,
            file_id=download.file_id,
            file_name=download.file_name,
            by=download.by,
            person_name=view.person_name,
            unit=None if view.unit is None else UnitRef.model_validate(view.unit),
            at=download.at,
            preview=download.preview,
        )
