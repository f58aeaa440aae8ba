"""Wall displays (大屏): screens without a keyboard that a person allows at Identity (RFC 8628)."""
