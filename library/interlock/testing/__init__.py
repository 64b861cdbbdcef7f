"""Real parts for tests, demos and users' own runbooks: a PostgreSQL, a real fault, a Slack.

* `interlock.testing.postgres.Cluster` starts a PostgreSQL that leaves nothing behind.
* `interlock.testing.lockpile.LockPile` makes a real lock pile-up with real client processes.
* `interlock.testing.slack.FakeSlack` is a Slack that the official SDK talks to.
"""
