"""The common base of all services: application factory, settings, session, problems, pages, health, logs."""
