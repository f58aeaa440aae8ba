"""Composition of a service that takes Identity's tokens and events, in one call."""
