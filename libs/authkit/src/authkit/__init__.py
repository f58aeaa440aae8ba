"""The one place that checks access tokens, and what a checked token says about its bearer."""
