"""Searching people and units by name, pinyin, initials, post and code."""
