#!/usr/bin/python3 -I
"""Exits 0 when the server in this container can answer questions, else 1 and says what it is waiting for.

Plain http.client: quick to start, and no proxy of the environment stands between it and the server.
"""

import sys
from http.client import HTTPConnection, HTTPException

TIMEOUT_S = 8.0


def main(port: int = 8000) -> int:
    """Ask /readyz."""
    try:
        connection = HTTPConnection("127.0.0.1", port, timeout=TIMEOUT_S)
        connection.request("GET", "/readyz")
        response = connection.getresponse()
        told = response.read().decode("utf-8", "replace")
    except (OSError, HTTPException) as exc:
        told, ready = f"no answer on port {port}: {exc}", False
    else:
        ready = response.status == 200
    sys.stdout.write(f"{told}\n")
    return 0 if ready else 1


if __name__ == "__main__":
    sys.exit(main(*(int(port) for port in sys.argv[1:2])))
