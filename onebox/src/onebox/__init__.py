"""Every Zhuxue service in one process: what `make run` starts."""
