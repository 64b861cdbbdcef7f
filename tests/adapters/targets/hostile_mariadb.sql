-- refused: two statements in one message
SELECT 1; SELECT 2
-- refused: two statements, the second a change
SELECT 1; DELETE FROM t
-- refused: leaving the transaction, then a change
COMMIT; DROP TABLE t
-- refused: an executable comment that ends the first statement
SELECT 1 /*! ; DELETE FROM t */
-- refused: an executable comment of MariaDB alone
SELECT 1 /*M! INTO OUTFILE '/dev/shm/il_hostile' */
-- refused: another delimiter, as the command line client knows it
DELIMITER //
-- refused: leaving the transaction alone
COMMIT
-- refused: undoing the transaction alone
ROLLBACK
-- refused: leaving it and beginning another at once
COMMIT AND CHAIN
-- refused: ending the session with the transaction
ROLLBACK RELEASE
-- refused: beginning a writable one inside
START TRANSACTION READ WRITE
-- refused: making the next transactions writable
SET SESSION TRANSACTION READ WRITE
-- refused: by way of the setting
SET tx_read_only = 0
-- refused: for one statement, a change
SET STATEMENT tx_read_only = 0 FOR DELETE FROM t
-- refused: for one statement, a change that answers with rows
SET STATEMENT tx_read_only = 0 FOR DELETE FROM t RETURNING id
-- refused: for one statement, without foreign keys
SET STATEMENT foreign_key_checks = 0 FOR INSERT INTO t VALUES (99, 'x')
-- refused: plain insert
INSERT INTO t VALUES (99, 'x')
-- refused: an insert that answers with rows
INSERT INTO t VALUES (99, 'x') RETURNING id
-- refused: insert or replace
REPLACE INTO t VALUES (1, 'x')
-- refused: plain update
UPDATE t SET v = 'x'
-- refused: plain delete
DELETE FROM t
-- refused: a delete that answers with rows
DELETE FROM t RETURNING *
-- refused: a delete from a table without transactions
DELETE FROM old_t
-- refused: a delete through a join
DELETE t FROM t JOIN old_t ON t.id = old_t.id
-- refused: truncating
TRUNCATE TABLE t
-- refused: dropping
DROP TABLE t
-- refused: dropping what may not be there
DROP TABLE IF EXISTS t, old_t
-- refused: a new table
CREATE TABLE stolen (id INT)
-- refused: a new table from a query
CREATE TABLE stolen AS SELECT * FROM t
-- refused: a new table in place of one
CREATE OR REPLACE TABLE t (id INT)
-- refused: a temporary table to shadow a real one
CREATE TEMPORARY TABLE t (id INT, v TEXT)
-- refused: altering
ALTER TABLE t DROP COLUMN v
-- refused: renaming
RENAME TABLE t TO gone
-- refused: an index
CREATE INDEX slow ON t (v (10))
-- refused: a view
CREATE VIEW w AS SELECT * FROM t
-- refused: a view in place of one
CREATE OR REPLACE VIEW v AS SELECT 1
-- refused: a function
CREATE FUNCTION g() RETURNS INT RETURN 1
-- refused: a procedure
CREATE PROCEDURE q() DELETE FROM t
-- refused: a trigger
CREATE TRIGGER later AFTER INSERT ON old_t FOR EACH ROW DELETE FROM t
-- refused: an event that works later
CREATE EVENT later ON SCHEDULE EVERY 1 SECOND DO DELETE FROM t
-- refused: a sequence
CREATE SEQUENCE more
-- refused: a database
CREATE DATABASE il_intruder
-- refused: dropping everything
DROP DATABASE mysql
-- refused: a user
CREATE USER il_intruder IDENTIFIED BY 'x'
-- refused: granting
GRANT ALL PRIVILEGES ON *.* TO CURRENT_USER()
-- refused: another password for oneself
SET PASSWORD = PASSWORD('guessed')
-- refused: the same under its other name
ALTER USER CURRENT_USER() IDENTIFIED BY 'guessed'
-- refused: a role
SET ROLE root
-- refused: a library as a function
CREATE FUNCTION sys_exec RETURNS STRING SONAME 'il_evil.so'
-- refused: a plugin
INSTALL SONAME 'ha_federatedx'
-- refused: advancing a sequence
SELECT NEXTVAL(s)
-- refused: setting a sequence
SELECT SETVAL(s, 100)
-- refused: the same as the standard writes it
SELECT NEXT VALUE FOR s
-- refused: a function that writes
SELECT evil()
-- refused: a function that writes with its owner's rights
SELECT id FROM t WHERE evil() > 0
-- refused: a view over a function that writes
SELECT * FROM v_evil
-- refused: a procedure that commits and then writes
CALL commits()
-- refused: a block
BEGIN NOT ATOMIC COMMIT; DELETE FROM t; END
-- refused: a condition around a change
IF 1 THEN DELETE FROM t; END IF
-- refused: a prepared text
PREPARE p FROM 'DELETE FROM t'
-- refused: a text run at once
EXECUTE IMMEDIATE 'DELETE FROM t'
-- refused: analyzing a change runs it
ANALYZE UPDATE t SET v = 'x'
-- refused: analyzing a delete, as JSON
ANALYZE FORMAT=JSON DELETE FROM t
-- refused: explaining a change needs the right to make it
EXPLAIN UPDATE t SET v = 'x'
-- refused: statistics
ANALYZE TABLE t
-- refused: rebuilding
OPTIMIZE TABLE t
-- refused: repairing
REPAIR TABLE old_t
-- refused: a key cache
CACHE INDEX old_t IN il_cache
-- refused: locking tables
LOCK TABLES t WRITE
-- refused: locking tables for reading
LOCK TABLES t READ
-- refused: locking rows
SELECT * FROM t FOR UPDATE
-- refused: locking everything
FLUSH TABLES WITH READ LOCK
-- refused: a backup stage
BACKUP STAGE START
-- refused: a backup lock
BACKUP LOCK t
-- refused: writing a file
SELECT * FROM t INTO OUTFILE '/dev/shm/il_hostile'
-- refused: writing a file of bytes
SELECT 'x' INTO DUMPFILE '/dev/shm/il_hostile'
-- refused: writing a file inside a union
SELECT 1 UNION SELECT 2 INTO OUTFILE '/dev/shm/il_hostile'
-- refused: reading a file of the server
LOAD DATA INFILE '/etc/passwd' INTO TABLE t
-- refused: reading a file of the gateway
LOAD DATA LOCAL INFILE '/etc/passwd' INTO TABLE t
-- refused: reading a file of the gateway as XML
LOAD XML LOCAL INFILE '/etc/passwd' INTO TABLE t
-- refused: a variable from a query
SELECT 1 INTO @il_left
-- refused: a variable by SET
SET @il_left = 1
-- refused: a setting of the session
SET sql_mode = 'ANSI_QUOTES'
-- refused: a setting of the server
SET GLOBAL max_connections = 1
-- refused: a setting of the server, made to stay
SET GLOBAL general_log_file = '/dev/shm/il_hostile'
-- refused: not counting what is written
SET sql_log_bin = 0
-- refused: another character set
SET NAMES gbk
-- refused: another database
USE information_schema
-- refused: doing without answering
DO SLEEP(0)
-- refused: a lock without answering
DO GET_LOCK('il_hostile', 0)
-- refused: ending another session
KILL 1
-- refused: ending all sessions of a user
KILL USER root
-- refused: stopping the server
SHUTDOWN
-- refused: forgetting the binary log
RESET MASTER
-- refused: another source to copy from
CHANGE MASTER TO MASTER_HOST = '192.0.2.1'
-- refused: copying
START SLAVE
-- refused: deleting logs
PURGE BINARY LOGS BEFORE NOW()
-- refused: replaying a log
BINLOG 'AAAA'
-- refused: a distributed transaction
XA START 'il'
-- refused: a savepoint
SAVEPOINT here
-- refused: a cursor on a table
HANDLER t OPEN
-- refused: reading by a cursor on a table
HANDLER t READ FIRST
-- refused: checking leaves the transaction, and says nothing worth that
CHECK TABLE t
-- refused: passwords of others
SELECT * FROM mysql.global_priv
-- refused: a server to connect to
CREATE SERVER far FOREIGN DATA WRAPPER mysql OPTIONS (HOST '192.0.2.1')
-- refused: signalling an error
SIGNAL SQLSTATE '45000'
-- refused: statements in the log of the server
FLUSH LOGS
-- refused: a hundred million rounds
SELECT BENCHMARK(100000000, SHA2('x', 512))
-- refused: sleeping longer than allowed
SELECT SLEEP(60)
-- refused: sleeping longer than allowed, without the limit of the server
SET STATEMENT max_statement_time = 0 FOR SELECT SLEEP(60)
-- refused: a pattern that takes for ever
SELECT SUM(CONCAT(REPEAT('a', 30), seq) RLIKE '^(a|aa)+$') FROM seq_1_to_1000000
-- refused: a recursion without an end
WITH RECURSIVE r AS (SELECT 1 n UNION ALL SELECT n + 1 FROM r WHERE n > 0) SELECT MAX(n) FROM r, seq_1_to_1000000
-- runs: GET_LOCK takes a named lock that other sessions may wait for; it is released with the call
SELECT GET_LOCK('il_hostile', 0)
-- runs: the same inside a condition
SELECT id FROM t WHERE GET_LOCK('il_hostile', 0) = 1
-- runs: RELEASE_LOCK and RELEASE_ALL_LOCKS only reach locks of the same session, which has none
SELECT RELEASE_LOCK('il_hostile'), RELEASE_ALL_LOCKS()
-- runs: SLEEP holds one of the few connections until its time limit
SELECT SLEEP(0.01)
-- runs: BENCHMARK burns a processor until its time limit
SELECT BENCHMARK(10, SHA2('x', 512))
-- runs: a user variable is assigned inside a query; it is gone with the call
SELECT @il_left := 1
-- runs: LAST_INSERT_ID(n) leaves a number in the session; it is gone with the call
SELECT LAST_INSERT_ID(42)
-- runs: SET STATEMENT changes what one statement means; classifier and server then read two texts
SET STATEMENT sql_mode = 'ANSI_QUOTES' FOR SELECT "id" FROM t
-- runs: SET STATEMENT lifts the pinned limit on rows examined, memory or time; ours still strikes
SET STATEMENT max_statement_time = 0 FOR SELECT 1
-- runs: shared row locks need no right to write and are held until the call ends
SELECT * FROM t LOCK IN SHARE MODE
-- runs: MASTER_POS_WAIT and MASTER_GTID_WAIT wait, at most until the time limit
SELECT MASTER_GTID_WAIT('0-1-999999999', 0.01)
-- runs: a file of the server is null without the right FILE, and the attempt is not refused
SELECT LOAD_FILE('/etc/passwd')
-- runs: analyzing a read runs it
ANALYZE SELECT * FROM t
-- runs: statements of all sessions, with the right PROCESS, also what stands in them
SELECT id, info FROM information_schema.processlist WHERE 1 = 0
-- runs: the password hash of this very login
SHOW GRANTS
-- runs: a large answer is built in the memory of the server before it is cut here
SELECT LENGTH(REPEAT('x', 10000000))
-- runs: XML and JSON functions take long texts apart
SELECT EXTRACTVALUE('<a><b>1</b></a>', '/a/b')
-- refused: an error that carries data in its words, which come back all the same
SELECT 1 FROM t WHERE EXTRACTVALUE(1, CONCAT(0x7e, VERSION()))
-- runs: a checksum reads the whole table
CHECKSUM TABLE t
-- runs: prepared distributed transactions, shown
XA RECOVER
-- harmless: what a view shows
SELECT * FROM v
-- harmless: the help of the server
HELP 'select'
-- harmless: nested comments are not nested here
SELECT 1 /* /* */ AS one
-- harmless: a comment to the end of the line
SELECT 1 # ; DELETE FROM t
-- harmless: two dashes without a blank are a double minus
SELECT 1--1
-- harmless: a text with everything in it
SELECT '; DELETE FROM t; -- \' /*' AS text
-- harmless: a version comment that hides the second statement from simple lexers, and from the server
SELECT 1 /*!99999 /*! */ ; DELETE FROM t -- */
