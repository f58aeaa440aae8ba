"""All Zhuxue services in one process, for `make run`."""
