"""Lists of tasks for one person of a whole country, and live updates to many browsers."""
