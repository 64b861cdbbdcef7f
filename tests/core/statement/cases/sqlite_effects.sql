-- effect: costly
-- because: function randomblob
SELECT randomblob(1000000000)

-- because: node With
WITH RECURSIVE c(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM c) SELECT count(*) FROM c

-- effect: session
-- because: pragma query_only
PRAGMA query_only = 0

PRAGMA query_only(0)

PRAGMA main.user_version = 7

PRAGMA application_id/**/=1

PRAGMA wal_checkpoint(TRUNCATE)

PRAGMA incremental_vacuum

PRAGMA nobody_knows_this

BEGIN

COMMIT

SAVEPOINT x

-- effect: exfiltration
-- because: function readfile
SELECT readfile('/etc/passwd')

-- effect: write
-- because: node Delete
DELETE FROM jobs WHERE id = :id

UPDATE jobs SET state = 'done'

INSERT OR IGNORE INTO jobs (id) VALUES (1)

REPLACE INTO jobs (id) VALUES (:id)

WITH x AS (SELECT 1) DELETE FROM jobs

ANALYZE

SELECT writefile('x', 'y')

-- effect: ddl
CREATE TABLE t (a varchar(10))

CREATE INDEX i ON jobs (state)

DROP TABLE jobs

ALTER TABLE jobs ADD COLUMN note TEXT

REINDEX

-- effect: admin
-- because: function load_extension
SELECT load_extension('/tmp/x.so')

SELECT "load_extension"('/tmp/x.so')

SELECT [load_extension] ('/tmp/x.so')

SELECT load_extension/**/('/tmp/x.so')

INSERT INTO jobs SELECT load_extension('x')

ATTACH 'other.db' AS other

DETACH other

VACUUM

-- effect: unknown
-- because: lexical gate
SELECT 1; DELETE FROM jobs

SELECT 1 /* ; */; DELETE FROM jobs

SELECT 1 /* /* */; DELETE FROM jobs; -- */

EXPLAIN; DELETE FROM jobs

SELECT 'a\'; DELETE FROM jobs; --'

SELECT [a]; DELETE FROM jobs

-- because: function fts3_tokenizer
SELECT fts3_tokenizer('simple', x'41')

-- because: function nobody_made_this
SELECT nobody_made_this(1)

SELECT * FROM fsdir('/')

UPDATE jobs SET state = nobody_made_this(1)

-- because: table dbstat
SELECT * FROM dbstat

SELECT * FROM 'dbstat'

-- because: table pragma_optimize
SELECT * FROM pragma_optimize

SELECT * FROM pragma_user_version(7)

SELECT * FROM 'pragma_user_version'(7)

SELECT 1 WHERE 1 IN pragma_optimize

SELECT 1 FROM

END x UNION SELECT 1

FROM jobs

SELECT 1 UNION END

EXPLAIN EXPLAIN SELECT 1
