-- refused: two statements in one message
SELECT 1; SELECT 2
-- refused: two statements, the second a change
SELECT 1; DELETE FROM t
-- refused: leaving the transaction, then a change
COMMIT; DROP TABLE t
-- refused: leaving and beginning again
ROLLBACK; BEGIN READ WRITE; DELETE FROM t; COMMIT
-- refused: nested comments hide the second statement from simple lexers
SELECT 1 /*/* */ --*/; DELETE FROM t
-- refused: a dollar quote that only looks closed
SELECT $$;$$; DELETE FROM t
-- refused: an empty statement first
; DELETE FROM t
-- refused: leaving the transaction alone
COMMIT
-- refused: the same under its other name
END
-- refused: undoing the transaction alone
ROLLBACK
-- refused: leaving it and beginning another at once
COMMIT AND CHAIN
-- refused: undoing it and beginning another at once
ROLLBACK AND CHAIN
-- refused: making the transaction writable
SET TRANSACTION READ WRITE
-- refused: beginning a writable one inside
BEGIN READ WRITE
-- refused: by way of the setting
SELECT set_config('transaction_read_only', 'off', true)
-- refused: preparing the transaction to be committed later
PREPARE TRANSACTION 'later'
-- refused: plain insert
INSERT INTO t VALUES (9, 'x')
-- refused: plain update
UPDATE t SET v = 'x'
-- refused: plain delete
DELETE FROM t
-- refused: merge
MERGE INTO t USING (VALUES (1)) AS s(id) ON t.id = s.id WHEN MATCHED THEN DELETE
-- refused: truncate
TRUNCATE t
-- refused: a change in a CTE
WITH gone AS (DELETE FROM t RETURNING *) SELECT * FROM gone
-- refused: an update in a CTE that nothing reads
WITH x AS (UPDATE t SET v = 'x') SELECT 1
-- refused: locking rows
SELECT * FROM t FOR UPDATE
-- refused: locking rows, weaker
SELECT * FROM t FOR KEY SHARE
-- either: locking the table, for as long as the call
LOCK TABLE t IN ACCESS EXCLUSIVE MODE
-- refused: a new table from a query
SELECT * INTO stolen FROM t
-- refused: a temporary one
SELECT * INTO TEMP stolen FROM t
-- refused: a new table
CREATE TABLE stolen AS SELECT * FROM t
-- refused: a temporary table to shadow a real one
CREATE TEMP TABLE t (id int, v text)
-- refused: a view
CREATE VIEW w AS SELECT * FROM t
-- refused: a function
CREATE FUNCTION g() RETURNS int LANGUAGE sql AS 'SELECT 1'
-- refused: dropping
DROP TABLE t
-- refused: dropping everything
DROP SCHEMA public CASCADE
-- refused: altering
ALTER TABLE t DROP COLUMN v
-- refused: granting
GRANT ALL ON t TO PUBLIC
-- refused: a role
CREATE ROLE intruder LOGIN SUPERUSER
-- refused: a better role for oneself
ALTER ROLE CURRENT_USER SUPERUSER
-- refused: another password for oneself
ALTER ROLE CURRENT_USER PASSWORD 'guessed'
-- refused: settings that outlive the session
ALTER ROLE CURRENT_USER SET search_path = evil
-- refused: settings of the server
ALTER SYSTEM SET log_statement = 'none'
-- refused: a comment is a change too
COMMENT ON TABLE t IS 'x'
-- refused: a sequence moves
SELECT nextval('s')
-- refused: a sequence is set
SELECT setval('s', 100)
-- refused: a volatile function that writes
SELECT evil()
-- refused: the same by attribute notation
SELECT t.evil_row FROM t
-- refused: the same behind a view
SELECT * FROM v_evil
-- refused: a function with its owner's rights that writes
SELECT secdef()
-- refused: a procedure that commits
CALL commits()
-- refused: a block that writes
DO $$ BEGIN DELETE FROM t; END $$
-- refused: a block that builds its statement
DO $$ BEGIN EXECUTE 'DELETE ' || 'FROM t'; END $$
-- refused: a block that tries to leave the transaction
DO $$ BEGIN COMMIT; DELETE FROM t; END $$
-- refused: a block that makes the transaction writable
DO $$ BEGIN SET TRANSACTION READ WRITE; DELETE FROM t; END $$
-- refused: explain that executes
EXPLAIN ANALYZE DELETE FROM t
-- refused: running SQL from a string through XML
SELECT query_to_xml('DELETE FROM t RETURNING *', true, true, '')
-- refused: the same by a cursor
SELECT cursor_to_xml('nope', 1, true, true, '')
-- refused: copying in
COPY t FROM STDIN
-- refused: copying out, around the row limit
COPY t TO STDOUT
-- refused: copying to a file
COPY t TO '/tmp/interlock-hostile'
-- refused: copying to a program
COPY t TO PROGRAM 'cat > /tmp/interlock-hostile'
-- refused: copying from a program
COPY t FROM PROGRAM 'id'
-- refused: reading a file of the server
SELECT pg_read_file('/etc/passwd')
-- refused: listing a folder of the server
SELECT pg_ls_dir('/')
-- refused: a file as a large object
SELECT lo_import('/etc/passwd')
-- refused: a large object
SELECT lo_create(0)
-- refused: the hashes of all passwords
SELECT rolname, rolpassword FROM pg_authid
-- refused: reloading the configuration
SELECT pg_reload_conf()
-- refused: ending every session of others
SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename LIKE '%\_act'
-- refused: cancelling every statement of others
SELECT pg_cancel_backend(pid) FROM pg_stat_activity WHERE usename LIKE '%\_act'
-- refused: ending one's own session
SELECT pg_terminate_backend(pg_backend_pid())
-- refused: resetting the statistics
SELECT pg_stat_reset()
-- refused: a replication slot keeps WAL for ever
SELECT pg_create_physical_replication_slot('hoard', true)
-- refused: taking a transaction id
SELECT txid_current()
-- refused: a message into the write-ahead log
SELECT pg_logical_emit_message(true, 'x', 'y')
-- refused: vacuum
VACUUM FULL t
-- either: analysing, which newer servers refuse
ANALYZE t
-- refused: a checkpoint stalls everybody
CHECKPOINT
-- refused: clustering
CLUSTER t USING t_pkey
-- refused: reindexing
REINDEX TABLE t
-- refused: reindexing beside the work of others
REINDEX TABLE CONCURRENTLY t
-- refused: refreshing
REFRESH MATERIALIZED VIEW mv
-- refused: an extension
CREATE EXTENSION IF NOT EXISTS plpgsql_check
-- refused: a library
LOAD '/tmp/evil.so'
-- refused: another login's rights
SET SESSION AUTHORIZATION postgres
-- refused: membership is needed
SET ROLE pg_execute_server_program
-- refused: sleeping past the time limit
SELECT pg_sleep(60)
-- refused: sleeping with the server's limit switched off in the same statement
SELECT set_config('statement_timeout', '0', true), pg_sleep(60)
-- refused: a product without end
SELECT count(*) FROM generate_series(1, 1000000000) a, generate_series(1, 1000) b
-- refused: regular expressions that backtrack
SELECT count(*) FROM generate_series(1, 100000000) g WHERE (g || repeat('a', 200)) ~ '((a*)*)\1\2b'
-- harmless: an advisory lock is gone when the answer is there
SELECT pg_advisory_lock(42)
-- harmless: a notification is rolled back
NOTIFY somebody, 'hello'
-- harmless: likewise by function
SELECT pg_notify('somebody', 'hello')
-- harmless: listening ends with the call
LISTEN somebody
-- harmless: a setting for the session is forgotten
SELECT set_config('search_path', 'evil', false)
-- harmless: likewise
SET search_path = evil
-- harmless: a session default for later transactions is forgotten
SET default_transaction_read_only = off
-- harmless: likewise for all characteristics
SET SESSION CHARACTERISTICS AS TRANSACTION READ WRITE
-- harmless: backslashes would mean something else to the next statement
SET standard_conforming_strings = off
-- harmless: a prepared statement is forgotten
PREPARE later AS DELETE FROM t
-- harmless: a cursor that would outlive the transaction
DECLARE c CURSOR WITH HOLD FOR SELECT * FROM t
-- harmless: a savepoint
SAVEPOINT here
-- harmless: a shared table lock, for as long as the call
LOCK TABLE t IN ACCESS SHARE MODE
-- harmless: the server prints what it likes
SELECT E'\x1b[2J', U&'\202E' || 'abc'
-- harmless: nothing
SELECT
-- harmless: an empty text
/* nothing */
