"""Questions over metrics, dimensions, places and periods."""
