-- refused: two statements
SELECT 1; DELETE FROM t
-- refused: two statements, the second hidden behind comments
SELECT 1 /*/* */ --*/; DELETE FROM t
-- refused: two reads
SELECT 1; SELECT 2
-- refused: nothing at all
-- only a remark
-- refused: insert
INSERT INTO t VALUES (9, 'x')
-- refused: insert or replace
INSERT OR REPLACE INTO t VALUES (1, 'x')
-- refused: update
UPDATE t SET v = 'x'
-- refused: delete
DELETE FROM t
-- refused: delete that returns rows
DELETE FROM t RETURNING *
-- refused: merge
MERGE INTO t USING t AS o ON t.id = o.id WHEN MATCHED THEN DELETE
-- refused: truncate
TRUNCATE t
-- refused: a change behind a CTE
WITH x AS (SELECT 1) DELETE FROM t
-- refused: a change inside a CTE
WITH x AS (DELETE FROM t RETURNING *) SELECT * FROM x
-- refused: a change inside a CTE that is explained and run
EXPLAIN ANALYZE WITH x AS (DELETE FROM t RETURNING *) SELECT * FROM x
-- refused: explaining and running a change
EXPLAIN ANALYZE DELETE FROM t
-- refused: explaining and running, as an option
EXPLAIN (ANALYZE) DELETE FROM t
-- refused: explaining and running a copy
EXPLAIN ANALYZE COPY t TO '{folder}/out.csv'
-- refused: a table
CREATE TABLE x (y INTEGER)
-- refused: a temporary table that shadows
CREATE TEMP TABLE t (id INTEGER)
-- refused: a table from a query
CREATE TABLE x AS FROM t
-- refused: a view
CREATE VIEW x AS SELECT 1
-- refused: a macro
CREATE MACRO x(a) AS a
-- refused: a temporary macro that shadows
CREATE TEMP MACRO lower(a) AS 'x'
-- refused: a type
CREATE TYPE x AS ENUM ('a')
-- refused: a sequence
CREATE SEQUENCE x
-- refused: a secret
CREATE SECRET x (TYPE s3, KEY_ID 'a', SECRET 'b')
-- refused: a persistent secret
CREATE PERSISTENT SECRET x (TYPE s3, KEY_ID 'a', SECRET 'b')
-- refused: dropping
DROP TABLE t
-- refused: altering
ALTER TABLE t ADD COLUMN z INTEGER
-- refused: commenting
COMMENT ON TABLE t IS 'x'
-- refused: the next number of a sequence
SELECT nextval('s')
-- refused: the next number, as a method
SELECT 's'.nextval()
-- refused: the next number, inside an aggregate
SELECT mode(nextval('s')) FROM range(4) AS r(i)
-- engine: a view over a sequence
FROM next_number
-- refused: a macro over a sequence
SELECT evil(1)
-- refused: a macro over a sequence, in a schema
SELECT app.lower('x')
-- refused: a macro over a sequence, as a table
FROM evil_table(1)
-- refused: a macro over a sequence, as a table, in a schema
FROM app.range(3)
-- harmless: a macro that shadows a function of the engine
SELECT upper('x')
-- refused: a file, as a string
FROM '{folder}/secret.csv'
-- refused: a file, in quotes
SELECT * FROM "{folder}/secret.csv"
-- refused: a file beside the process, by a dotted name
FROM secret.csv
-- refused: files, by a pattern
FROM '{folder}/*.csv'
-- refused: a file behind a comma
FROM t, '{folder}/secret.csv'
-- refused: a file behind a join
FROM t JOIN '{folder}/secret.csv' ON true
-- refused: a file in a subquery
SELECT (SELECT max(a) FROM '{folder}/secret.csv')
-- refused: a file, described
DESCRIBE '{folder}/secret.csv'
-- refused: a file, summarized
SUMMARIZE '{folder}/secret.csv'
-- refused: a file, explained
EXPLAIN FROM '{folder}/secret.csv'
-- refused: a file, pivoted
PIVOT '{folder}/secret.csv' ON a IN (1)
-- refused: a file, as a table
TABLE '{folder}/secret.csv'
-- refused: a file, by a macro of the engine
FROM histogram('{folder}/secret.csv', a)
-- refused: a file, by a name that is data
FROM query_table('{folder}/secret.csv')
-- refused: a query that is data
FROM query('FROM ''{folder}/secret.csv''')
-- refused: reading CSV
FROM read_csv('{folder}/secret.csv')
-- refused: reading CSV by another name
FROM read_csv_auto('{folder}/secret.csv')
-- refused: reading text
FROM read_text('{folder}/secret.csv')
-- refused: reading text by a quoted name
FROM "read_text"('{folder}/secret.csv')
-- refused: reading bytes
SELECT content FROM read_blob('{folder}/secret.csv')
-- refused: reading JSON
FROM read_json('{folder}/secret.csv')
-- refused: reading objects
FROM read_ndjson_objects('{folder}/secret.csv')
-- refused: looking at a CSV
FROM sniff_csv('{folder}/secret.csv')
-- refused: listing files
FROM glob('{folder}/*')
-- refused: reading another database
FROM read_duckdb('{folder}/other.duckdb')
-- refused: parquet
FROM parquet_metadata('{folder}/secret.csv')
-- refused: a parquet file
FROM parquet_scan('{folder}/secret.csv')
-- refused: the network
FROM 'https://127.0.0.1:1/x.csv'
-- refused: a bucket
FROM read_parquet('s3://bucket/x.parquet')
-- refused: the environment
SELECT getenv('HOME')
-- refused: secrets
FROM duckdb_secrets()
-- refused: a secret by its scope
FROM which_secret('s3://x', 's3')
-- refused: what others asked
FROM duckdb_logs()
-- refused: what others asked, as a view
FROM duckdb_logs
-- refused: a file made of a query
COPY (SELECT 1) TO '{folder}/out.csv'
-- refused: a file made of a table
COPY t TO '{folder}/out.parquet' (FORMAT parquet)
-- refused: rows from a file
COPY t FROM '{folder}/secret.csv'
-- refused: everything into files
EXPORT DATABASE '{folder}/out'
-- refused: everything from files
IMPORT DATABASE '{folder}'
-- refused: a whole database
COPY FROM DATABASE hostile TO memory
-- refused: another database
ATTACH '{folder}/new.duckdb' AS other
-- refused: another database in memory
ATTACH ':memory:' AS other
-- refused: detaching
DETACH hostile
-- refused: another schema
USE app
-- refused: a setting
SET threads = 7
-- refused: opening up again
SET enable_external_access = true
-- refused: unlocking
SET lock_configuration = false
-- refused: unlocking by way of resetting
RESET lock_configuration
-- refused: a variable
SET VARIABLE x = 1
-- refused: a variable from a query
SET VARIABLE x = (SELECT max(id) FROM t)
-- refused: forgetting a variable
RESET VARIABLE x
-- refused: a PRAGMA
PRAGMA database_list
-- refused: a PRAGMA that sets
PRAGMA threads = 7
-- refused: profiling into a file
PRAGMA profiling_output = '{folder}/out.json'
-- refused: an extension
INSTALL httpfs
-- refused: an extension from a file
INSTALL '{folder}/evil.duckdb_extension'
-- refused: a library
LOAD '{folder}/evil.duckdb_extension'
-- refused: extensions
UPDATE EXTENSIONS
-- refused: a checkpoint
CHECKPOINT
-- refused: a checkpoint, as a table
FROM force_checkpoint()
-- refused: vacuum
VACUUM
-- refused: statistics
ANALYZE
-- refused: a call
CALL pragma_version()
-- refused: logging
CALL enable_logging()
-- refused: logging, as a table
FROM enable_logging()
-- refused: profiling, as a table
FROM enable_profiling()
-- refused: an entry in the log
SELECT write_log('x')
-- refused: other grammar
FROM add_grammar_extension('x')
-- refused: resources elsewhere
FROM create_external_resource('x')
-- refused: a transaction
BEGIN
-- refused: the end of ours
COMMIT
-- refused: giving up ours
ROLLBACK
-- refused: a prepared statement
PREPARE x AS DELETE FROM t
-- refused: running a prepared statement
EXECUTE x
-- refused: the seed of chance
SELECT setseed(0.5)
-- refused: memory at an address
FROM arrow_scan(1, 2, 3)
-- refused: rows of the gateway's memory
FROM pandas_scan(1)
-- refused: a plan that is data
FROM json_execute_serialized_sql('{}')
-- refused: planning text
SELECT json_serialize_plan('FROM t')
-- refused: a temporary type behind a pivot
PIVOT t ON v
-- refused: a variable of the gateway's own
FROM statement
-- refused: waiting
SELECT sleep_ms(100000)
-- refused: work without end
SELECT count(*) FROM range(100000000000000)
-- refused: a recursion without end
WITH RECURSIVE r(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM r) SELECT max(n) FROM r
-- refused: more memory than there is
SELECT list(n || 'and so on') FROM range(1000000000) AS r(n)
-- refused: a depth that no parser takes
SELECT {deep}
-- refused: a table that is not there
FROM nowhere
-- refused: no SQL
SELEC 1
-- harmless: a read
FROM t
-- harmless: a read by a view
FROM w
-- harmless: a read of the catalogue
FROM duckdb_tables()
-- harmless: a name that is only data
SELECT 'secret.csv' AS file, 'DELETE FROM t' AS words
-- harmless: a change that is only explained in words
SELECT $$DELETE FROM t; DROP TABLE t$$
-- harmless: settings, as they are
SELECT name, value FROM duckdb_settings()
