"""Changes of tasks for connected browsers, by server-sent events."""
