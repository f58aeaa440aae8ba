"""Faults under load, and what must hold afterwards."""

import warnings

from authlib.deprecate import AuthlibDeprecationWarning

# Authlib's httpx integration is moving to httpx's successor; ours works with httpx.
warnings.simplefilter("ignore", AuthlibDeprecationWarning)
