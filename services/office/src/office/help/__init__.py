"""Help (帮助): articles about the system, kept by the centre, readable by everybody in the system."""
