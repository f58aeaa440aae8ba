"""Files that people attach to notices, answers and other subjects: uploads, downloads and previews.

A feature attaches files to a subject of its own with `Attachments`, and registers a guard in `app.py`, which
says who may see that subject. A file is served to nobody else.
"""
