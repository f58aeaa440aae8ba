"""Composition of a service that accepts Identity's tokens and consumes events."""
