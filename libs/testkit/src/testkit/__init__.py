"""Common test support of all services: real backends, a frozen clock, a token factory."""
