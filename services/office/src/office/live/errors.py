"""Errors of the stream of events."""

from servicekit.problems import Problem, TooManyRequests


class TooManyStreams(TooManyRequests):
    """The person has too many open streams."""

    code = "too_many_streams"
    title = "打开的页面过多"
    detail = "您打开的页面过多，请关闭一些后再试。"
    retry_after = 60


class StreamsUnavailable(Problem):
    """The process serves no streams now: it starts, stops, or has as many as it can."""

    status = 503
    code = "streams_unavailable"
    title = "实时更新暂不可用"
    detail = "实时更新暂不可用，请稍后重试。"
