"""Assignments (承办): who inside a unit handles a notice, and until when."""
