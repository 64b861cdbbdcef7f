"""One of many processes that ask a gateway for the same thing at the same moment.

Each line on standard input is a JSON order: `{"url", "path", "token", "body", "at"}`; `at` is a
reading of the machine's monotonic clock, which all processes share. The answer is one line of
JSON: `{"status", "body"}`.
"""

import http.client
import json
import sys
import time
from typing import Any
from urllib.parse import urlsplit


def answered(order: dict[str, Any]) -> dict[str, Any]:
    """Connect, wait for the moment, ask."""
    where = urlsplit(order["url"])
    connection = http.client.HTTPConnection(where.hostname or "", where.port, timeout=60)
    headers = {
        "Authorization": f"Bearer {order['token']}",
        "Content-Type": "application/json",
    }
    try:
        connection.connect()
        while time.monotonic() < order["at"]:
            time.sleep(0.0005)
        connection.request("POST", order["path"], json.dumps(order["body"]), headers)
        response = connection.getresponse()
        return {"status": response.status, "body": json.loads(response.read())}
    finally:
        connection.close()


if __name__ == "__main__":
    print("ready", flush=True)  # noqa: T201  whoever started this waits for it
    for line in sys.stdin:
        print(json.dumps(answered(json.loads(line))), flush=True)  # noqa: T201  the answer
