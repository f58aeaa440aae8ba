"""Container health check without curl: `healthcheck.py PORT` requests `/readyz` on this host."""

import http.client
import sys


def main() -> int:
    """Return 0 if `/readyz` returns 200, else 1; print the response body."""
    connection = http.client.HTTPConnection("127.0.0.1", int(sys.argv[1]), timeout=4)
    try:
        connection.request("GET", "/readyz")
        response = connection.getresponse()
        sys.stdout.write(response.read(4096).decode(errors="replace"))
    except OSError as error:
        sys.stdout.write(f"{type(error).__name__}: {error}")
        return 1
    return 0 if response.status == 200 else 1


if __name__ == "__main__":
    sys.exit(main())
