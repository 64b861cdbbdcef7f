-- effect: costly
-- because: function sleep
SELECT sleep(10)

SELECT SLEEP/* x */(10)

-- because: function benchmark
SELECT * FROM t WHERE benchmark(1000000, md5('x'))

-- because: function sleep
EXPLAIN SELECT sleep(1)

-- because: node With
WITH RECURSIVE n AS (SELECT 1 AS x UNION ALL SELECT x + 1 FROM n) SELECT count(*) FROM n

-- because: statement checksum
CHECKSUM TABLE orders

-- effect: session
-- because: :=
SELECT @row := @row + 1 AS n, t.* FROM t, (SELECT @row := 0) AS x

SELECT @`a b`:=1

-- because: into
SELECT max(id) INTO @last FROM t

SELECT a, b FROM t LIMIT 1 INTO @a, @b

SELECT 1 UNION SELECT 2 INTO @a

-- because: function last_insert_id
SELECT last_insert_id(7)

SELECT LAST_INSERT_ID ( id ) FROM t

-- because: statement set
SET @a = 1

SET SESSION sql_mode = ''

SET NAMES latin1

SET TRANSACTION READ WRITE

USE shop

BEGIN

BEGIN WORK

START TRANSACTION READ WRITE

COMMIT

ROLLBACK TO SAVEPOINT x

SAVEPOINT x

RELEASE SAVEPOINT x

UNLOCK TABLES

XA START 'x'

PREPARE x FROM 'DELETE FROM orders'

DEALLOCATE PREPARE x

HANDLER orders OPEN

HANDLER orders READ FIRST

SIGNAL SQLSTATE '45000'

GET DIAGNOSTICS @n = NUMBER

-- effect: exfiltration
-- because: function load_file
SELECT load_file('/etc/passwd')

-- because: into outfile
SELECT * FROM orders INTO OUTFILE '/tmp/orders'

SELECT * INTO OUTFILE '/tmp/orders' FROM orders

-- because: into dumpfile
SELECT payload FROM orders LIMIT 1 INTO DUMPFILE '/tmp/x'

-- effect: lock
-- because: for update
SELECT * FROM orders WHERE id = 1 FOR UPDATE

SELECT * FROM orders FOR UPDATE SKIP LOCKED

SELECT 1 FROM (SELECT * FROM orders FOR UPDATE) AS x

(SELECT * FROM orders) FOR UPDATE

-- because: lock in
SELECT * FROM orders LOCK IN SHARE MODE

EXPLAIN SELECT * FROM orders FOR UPDATE

-- because: function get_lock
SELECT get_lock('jobs', 0)

SELECT release_lock('jobs')

SELECT release_all_locks()

LOCK TABLES orders READ

-- effect: write
-- because: node Delete
DELETE FROM orders WHERE id = :id

UPDATE orders SET state = 'done' WHERE id = :id

INSERT INTO orders (id) VALUES (:id) ON DUPLICATE KEY UPDATE id = id

INSERT INTO orders SELECT * FROM old_orders

INSERT INTO `shop`.`orders` (`id`, state) VALUES (:id, lower('X')) ON DUPLICATE KEY UPDATE state = VALUES(state)

INSERT INTO orders (id) VALUES (1) RETURNING id

DELETE FROM orders RETURNING id

REPLACE INTO orders VALUES (1)

EXPLAIN DELETE FROM orders

EXPLAIN FORMAT=JSON UPDATE orders SET state = 'x'

-- because: next value for
SELECT NEXT VALUE FOR orders_seq

-- because: . nextval
SELECT orders_seq.nextval

-- because: statement analyze
ANALYZE TABLE orders

ANALYZE NO_WRITE_TO_BINLOG TABLE orders

-- effect: ddl
CREATE TABLE x AS SELECT 1

CREATE OR REPLACE VIEW v AS SELECT 1

CREATE PROCEDURE p() DELETE FROM orders

DROP TABLE orders

ALTER TABLE orders ADD note text

TRUNCATE orders

RENAME TABLE orders TO old

-- effect: admin
SET GLOBAL max_connections = 5

SET @@global.max_connections = 5

SET PASSWORD = 'x'

GRANT ALL ON *.* TO app

REVOKE ALL ON *.* FROM app

KILL QUERY 7

FLUSH TABLES WITH READ LOCK

RESET MASTER

PURGE BINARY LOGS TO 'x'

CHANGE MASTER TO MASTER_HOST = 'x'

STOP SLAVE

START SLAVE

SHUTDOWN

CHECK TABLE orders

REPAIR TABLE orders

OPTIMIZE TABLE orders

LOAD DATA LOCAL INFILE '/etc/passwd' INTO TABLE orders

INSTALL SONAME 'x'

-- effect: unknown
-- it ends a MariaDB 10.11.19
-- because: node Version
SELECT * FROM prices FOR SYSTEM_TIME AS OF id

SELECT * FROM prices FOR SYSTEM_TIME FROM now() TO upper(id)

SELECT * FROM prices FOR SYSTEM_TIME AS OF (SELECT max(created) FROM orders)

-- because: function evil
SELECT evil(1)

SELECT shop.evil(1)

-- because: function lower
SELECT shop.lower('x')

SELECT shop.`if`(1, 2, 3)

-- because: function in
SELECT shop.in(1)

-- because: function values
SELECT shop.values(1)

-- because: function row
SELECT shop.row(1, 2)

-- because: function now
INSERT INTO shop.orders (id, `state`) VALUES (1, now ())

-- because: function lower
INSERT INTO orders SELECT shop.lower(state) FROM old_orders

-- because: function now
UPDATE orders SET due = now () WHERE id = :id

-- because: function value
SELECT `value`()

-- because: function now
SELECT now ()

-- because: function count
SELECT `count`(1)

SELECT "sleep"(1)

-- because: function sum
SELECT sum /* x */ (a) FROM t

-- because: function json_table
SELECT json_table(1)

-- because: function columns
SELECT columns(1)

SELECT of(1)

SELECT against(1), escape(2)

-- because: function default
SELECT default(id) FROM orders

SELECT default ( id ) FROM orders

-- because: function evil
EXPLAIN SELECT * FROM (SELECT evil(1)) AS x

EXPLAIN EXTENDED SELECT evil(1)

-- because: function evil
SELECT * FROM (VALUES (evil(1))) AS v

SELECT a FROM t WHERE MATCH a AGAINST (evil(1))

SELECT a LIKE b ESCAPE evil(1) FROM t

SELECT a INTO @a FROM t WHERE evil(1)

SELECT 1 INTO @a, (SELECT evil(1))

SELECT a FROM t PROCEDURE analyse()

EXECUTE x

EXECUTE IMMEDIATE 'DELETE FROM orders'

CALL p()

DO sleep(1)

SET @a = evil(1)

SET STATEMENT max_statement_time = 1 FOR DELETE FROM orders

SET @a = NEXT VALUE FOR orders_seq

PREPARE x FROM concat('DELETE', ' FROM orders')

BEGIN NOT ATOMIC DELETE FROM orders

DELIMITER //

-- because: lexical gate
SELECT 1; DELETE FROM orders

SELECT 1 /*! INTO OUTFILE '/tmp/x' */

SELECT 1 /*M! , sleep(1) */

SELECT 1 /*!99999 /*! */ , sleep(1)

SELECT /*+ SET_VAR(sql_mode = '') */ 1

SELECT 5--1

SELECT 'it\'s'

SELECT 'a\\', 'b'

SELECT {d '2024-01-01'}

SELECT "open

-- because: table innodb_cmp_reset
SELECT * FROM information_schema.INNODB_CMP_RESET

SELECT * FROM information_schema.`innodb_cmpmem_reset`

-- because: show
SHOW TABLES WHERE sleep(1)

SHOW TABLES WHERE Tables_in_shop IN (SELECT evil(1))

SHOW STATUS WHERE @a := 1

SHOW STATUS WHERE Value = NEXT VALUE FOR orders_seq

SHOW PLUGINS SONAME 'x.so'

SHOW ANYTHING

SHOW

-- because: explain
EXPLAIN

EXPLAIN FORMAT=TEXT SELECT 1

EXPLAIN orders a b

ANALYZE

ANALYZE VALUES (1)

HELP

HELP a b

SELECT 1 UNION

-- because: function lastval
SELECT lastval(orders_seq)

SELECT point_of_view(1)

EXPLAIN INTO @plan SELECT 1

ANALYZE SELECT 1

BACKUP STAGE START

-- effect: admin
CLONE LOCAL DATA DIRECTORY = '/tmp/x'

RESTART

SELECT group_replication_set_as_primary('x')

-- effect: exfiltration
TABLE orders INTO OUTFILE '/tmp/orders'

-- effect: lock
SELECT * FROM orders FOR SHARE NOWAIT
