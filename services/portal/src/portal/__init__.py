"""The work portal: a backend for the front end (BFF, RFC 10017), so that tokens never reach a browser."""
