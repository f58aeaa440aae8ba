"""Tables of figures as files for spreadsheets."""
