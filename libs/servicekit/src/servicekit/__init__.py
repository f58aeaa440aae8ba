"""What every service starts with: application factory, settings, session, problems, pages, health, logs."""
