"""Events between services: written with the change (outbox), carried by a bus, applied once (inbox)."""
