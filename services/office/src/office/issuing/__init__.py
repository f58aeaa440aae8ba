"""From draft to archive: 送审, 审核, 签发, 发布, 撤回, 被替代, 归档."""
