-- The table that job-queue-check reads, and an example with something wrong in every respect.
-- Moments are whole seconds since 1970 (UTC). Try it: sqlite3 jobs.db < job-queue-check.sample.sql

CREATE TABLE jobs (
    id           INTEGER PRIMARY KEY,
    kind         TEXT    NOT NULL,
    state        TEXT    NOT NULL CHECK (state IN ('waiting', 'running', 'done', 'failed')),
    created_at   INTEGER NOT NULL,
    started_at   INTEGER,
    heartbeat_at INTEGER,
    finished_at  INTEGER,
    worker       TEXT,
    attempts     INTEGER NOT NULL DEFAULT 0,
    error        TEXT
);
CREATE INDEX jobs_by_state ON jobs (state, created_at);

-- 60 mails sent in the last half hour, one every 30 seconds; every twelfth bounced.
WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 60)
INSERT INTO jobs (kind, state, created_at, started_at, heartbeat_at, finished_at, worker, attempts, error)
SELECT 'send-mail', iif(i % 12 = 0, 'failed', 'done'),
       t - 30 * i - 20, t - 30 * i - 10, t - 30 * i, t - 30 * i, 'worker-1', 1,
       iif(i % 12 = 0, 'SMTP 550: no such mailbox', NULL)
FROM n, (SELECT CAST(strftime('%s', 'now') AS INTEGER) AS t);

-- Invoices: 8 done, then every one fails since ten minutes ago.
WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 20)
INSERT INTO jobs (kind, state, created_at, started_at, heartbeat_at, finished_at, worker, attempts, error)
SELECT 'make-invoice', iif(i <= 12, 'failed', 'done'),
       t - 50 * i - 15, t - 50 * i - 10, t - 50 * i, t - 50 * i, 'worker-2', iif(i <= 12, 3, 1),
       iif(i <= 12, 'tax service answered 503', NULL)
FROM n, (SELECT CAST(strftime('%s', 'now') AS INTEGER) AS t);

-- An export whose worker went silent a quarter of an hour ago, and the queue behind it.
WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 40)
INSERT INTO jobs (kind, state, created_at)
SELECT 'export', 'waiting', t - 35 * i
FROM n, (SELECT CAST(strftime('%s', 'now') AS INTEGER) AS t);

INSERT INTO jobs (kind, state, created_at, started_at, heartbeat_at, worker, attempts)
SELECT 'export', 'running', t - 1500, t - 1200, t - 900, 'worker-3', 2
FROM (SELECT CAST(strftime('%s', 'now') AS INTEGER) AS t);
