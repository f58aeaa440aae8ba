"""How long the portal's pages take in a browser, on a modest line and a slow machine."""
