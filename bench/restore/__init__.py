"""The rehearsal of backup and restore, `make restore-check`."""
