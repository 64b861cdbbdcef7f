"""One client of a lock pile-up: a process of its own with a real connection.

It takes its orders as a line of JSON on standard input, so that no credential stands in a
process list, says its server pid, and waits for `go`. When standard input ends, whoever
started it is gone, and it goes too, at once and with its session.
"""

import json
import os
import select
import sys
import threading
from typing import Any

import psycopg


def main() -> None:
    """Run one client: orders in, pid out, `go` in, statements, `done` out."""
    orders = json.loads(sys.stdin.readline())
    with psycopg.connect(orders["dsn"], application_name=orders["name"]) as connection:
        # A session that waits for a lock notices within this time that its client is gone.
        connection.execute("SET client_connection_check_interval = '100ms'")
        connection.commit()
        _say({"pid": connection.info.backend_pid})
        sys.stdin.readline()
        if orders["hold"]:
            _hold(connection, orders["statements"])
        else:
            _finish(connection, orders["statements"])


def _hold(connection: psycopg.Connection, statements: list[str]) -> None:
    """Run the statements, then stay idle in the transaction until somebody ends it."""
    for statement in statements:
        connection.execute(statement.encode())
    _say({"holding": True})
    select.select([connection.fileno(), sys.stdin], [], [])
    connection.close()


def _finish(connection: psycopg.Connection, statements: list[str]) -> None:
    """Run the statements, which may wait for others, commit, and say so."""
    threading.Thread(target=_go_with_parent, daemon=True).start()
    for statement in statements:
        connection.execute(statement.encode())
    connection.commit()
    _say({"done": True})


def _go_with_parent() -> None:
    sys.stdin.read()
    os._exit(0)  # the main thread waits inside the database library


def _say(message: dict[str, Any]) -> None:
    sys.stdout.write(json.dumps(message) + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    try:
        main()
    except psycopg.OperationalError:
        sys.exit(1)  # the session was ended: that is what the pile-up is for
