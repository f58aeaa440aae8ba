"""Uploads and downloads: size limits, type detection, virus scans and content-addressed storage.

No function loads a whole file into memory or blocks the event loop.
"""
