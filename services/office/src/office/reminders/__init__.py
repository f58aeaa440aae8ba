"""Reminders (催办) of units that have not signed a notice, and of units that block it.

A run is a durable job: by hand, or by the schedule of the notice. Each reminder is a row, shown to the unit,
and goes out as `ReminderRequestedV1`, with which Identity sends text messages.
"""
