"""Feeds, for other features."""

from cockpit.feeds.declarations import FEEDS, FeedName

__all__ = ["FEEDS", "FeedName"]
