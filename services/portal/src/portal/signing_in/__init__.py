"""Signing in and out: the code flow with Identity, and what Identity tells about ended sessions."""
