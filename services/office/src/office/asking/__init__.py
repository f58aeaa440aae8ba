"""What a notice asks of the units that have it: the tasks that a dispatch opens and that end with the
notice.
"""
