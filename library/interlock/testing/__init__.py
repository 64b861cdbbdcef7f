"""Real parts for tests, demos and users' own runbooks: a throw-away PostgreSQL, a real fault.

* `interlock.testing.postgres.Cluster` starts a PostgreSQL that leaves nothing behind.
* `interlock.testing.lockpile.LockPile` makes a real lock pile-up with real client processes.
"""
