"""Tables of figures as files for spreadsheets: small ones at once, large ones made by a job."""
