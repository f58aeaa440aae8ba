"""Reading, sealing and verifying the audit log."""
