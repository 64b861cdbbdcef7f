-- refused: two statements
SELECT 1; DELETE FROM t
-- refused: two statements, the second hidden behind comments
SELECT 1 /*/* */ --*/
; DELETE FROM t
-- refused: two reads
SELECT 1; SELECT 2
-- refused: insert
INSERT INTO t VALUES (9, 'x')
-- refused: insert or replace
REPLACE INTO t VALUES (1, 'x')
-- refused: update
UPDATE t SET v = 'x'
-- refused: delete
DELETE FROM t
-- refused: delete that returns rows
DELETE FROM t RETURNING *
-- refused: a change behind a CTE
WITH x AS (SELECT 1) DELETE FROM t
-- refused: upsert
INSERT INTO t VALUES (1, 'x') ON CONFLICT (id) DO UPDATE SET v = 'y'
-- refused: a change by way of a view's trigger
INSERT INTO w VALUES (1)
-- refused: dropping
DROP TABLE t
-- refused: a table
CREATE TABLE x (y)
-- refused: a temporary table
CREATE TEMP TABLE t (id, v)
-- refused: a table from a query
CREATE TABLE x AS SELECT * FROM t
-- refused: a view
CREATE VIEW x AS SELECT 1
-- refused: a temporary view that shadows
CREATE TEMP VIEW t AS SELECT 1
-- refused: a trigger
CREATE TRIGGER x AFTER INSERT ON t BEGIN DELETE FROM t; END
-- refused: an index
CREATE INDEX x ON t (v)
-- refused: a virtual table
CREATE VIRTUAL TABLE x USING fts5(y)
-- refused: altering
ALTER TABLE t ADD COLUMN x
-- refused: renaming
ALTER TABLE t RENAME TO u
-- refused: another database
ATTACH '/tmp/interlock-hostile' AS other
-- refused: another database in memory
ATTACH ':memory:' AS other
-- refused: another database, as an expression
ATTACH ('/tmp/' || 'interlock-hostile') AS other
-- refused: detaching
DETACH main
-- refused: a copy of everything
VACUUM INTO '/tmp/interlock-hostile'
-- refused: vacuum
VACUUM
-- refused: statistics
ANALYZE
-- refused: reindexing
REINDEX
-- refused: the schema by hand
UPDATE sqlite_master SET sql = 'CREATE TABLE t (id, v, w)' WHERE name = 't'
-- refused: the schema by hand, under its other name
DELETE FROM sqlite_schema
-- refused: a transaction
BEGIN
-- refused: a writing transaction
BEGIN IMMEDIATE
-- refused: committing
COMMIT
-- refused: rolling back
ROLLBACK
-- refused: a savepoint
SAVEPOINT x
-- refused: an extension
SELECT load_extension('/tmp/evil')
-- refused: an extension with an entry
SELECT load_extension('/tmp/evil', 'go')
-- refused: a tokenizer is a pointer
SELECT fts3_tokenizer('simple', x'4141414141414141')
-- refused: functions of the shell
SELECT readfile('/etc/passwd')
-- refused: likewise
SELECT writefile('/tmp/interlock-hostile', 'x')
-- refused: likewise
SELECT edit('x', 'vi')
-- refused: a message into the log
SELECT sqlite_log(1, 'x')
-- refused: lifting the lock
PRAGMA query_only = OFF
-- refused: lifting the lock as a function
PRAGMA query_only(0)
-- refused: writing the schema by hand
PRAGMA writable_schema = ON
-- refused: likewise with schema
PRAGMA main.writable_schema = 1
-- refused: journal mode
PRAGMA journal_mode = DELETE
-- refused: the file's version
PRAGMA user_version = 7
-- refused: the application's mark
PRAGMA application_id = 7
-- refused: a checkpoint
PRAGMA wal_checkpoint(TRUNCATE)
-- refused: optimising writes statistics
PRAGMA optimize
-- refused: freeing pages
PRAGMA incremental_vacuum(10)
-- refused: trusting the schema
PRAGMA trusted_schema = ON
-- refused: where temporary files go
PRAGMA temp_store_directory = '/etc'
-- refused: memory of the whole process
PRAGMA hard_heap_limit = 1
-- refused: memory by mapping
PRAGMA mmap_size = 1099511627776
-- refused: locking everybody out
PRAGMA locking_mode = EXCLUSIVE
-- refused: like means something else
PRAGMA case_sensitive_like = ON
-- refused: waiting for ever
PRAGMA busy_timeout = 1000000000
-- refused: a pragma nobody knows
PRAGMA nobody_knows
-- refused: a setting by way of a table-valued function
SELECT * FROM pragma_query_only(0)
-- refused: counting without end
WITH RECURSIVE r(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM r) SELECT count(*) FROM r
-- refused: a product without end
SELECT count(*) FROM t a, t b, t c, t d, t e, t f, t g, t h, t i, t j
-- refused: more memory than a cell may have
SELECT zeroblob(1000000000)
-- refused: seconds inside one instruction
SELECT printf('%.*c', 300000000, 'x')
-- refused: the same by aggregation
SELECT length(group_concat(hex(zeroblob(1000000)))) FROM t a, t b
-- refused: the same by replacing
SELECT length(replace(hex(zeroblob(100000)), '0', hex(zeroblob(100000))))
-- refused: a view that calls what must not be called
SELECT * FROM v_evil
-- refused: walking through the whole file
SELECT sum(pgsize) FROM dbstat
-- refused: raw pages
SELECT data FROM sqlite_dbpage
-- refused: explain of a change
EXPLAIN DELETE FROM t
-- refused: explaining a change
EXPLAIN QUERY PLAN UPDATE t SET v = 'x'
-- refused: an empty text
/* nothing */
-- harmless: random bytes within bounds
SELECT length(randomblob(1000))
-- harmless: what the schema says
SELECT name FROM sqlite_master
-- harmless: a pragma that only tells
PRAGMA table_info(t)
-- harmless: likewise as a table
SELECT * FROM pragma_table_info('t')
-- harmless: which files there are
PRAGMA database_list
-- harmless: JSON as a table
SELECT value FROM json_each('[1, 2]')
-- harmless: a full-text search
SELECT snippet(words, 0, '[', ']', '', 5) FROM words WHERE words MATCH 'hello' ORDER BY rank
-- refused: a full-text search that changes
INSERT INTO words (words) VALUES ('optimize')
