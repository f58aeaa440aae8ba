"""Text messages for reminders (催办) that other services ask for, within budgets."""
