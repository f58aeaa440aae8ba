"""The built pages (`services/portal/web`), and what they ask before anybody is signed in."""
