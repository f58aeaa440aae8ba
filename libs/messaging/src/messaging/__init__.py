"""Events between services: transactional outbox, message bus, and inbox for exactly-once effects."""
