"""Why a year is not archived, dropped or restored; the text is for operators."""


class ArchiveRefused(ValueError):
    """The year must stay as it is."""
