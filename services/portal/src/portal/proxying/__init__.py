"""Calls of pages to the services, with the access token that the browser never has."""
