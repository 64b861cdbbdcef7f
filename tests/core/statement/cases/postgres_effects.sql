-- effect: costly
-- because: function pg_sleep
SELECT pg_sleep(10)

-- because: node With
WITH RECURSIVE n(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM n) SELECT count(*) FROM n

-- effect: session
-- because: function set_config
SELECT set_config('default_transaction_read_only', 'off', false)

SET transaction_read_only = off

RESET ALL

DISCARD ALL

BEGIN

COMMIT

LISTEN jobs

NOTIFY jobs

PREPARE x AS DELETE FROM t

-- because: function pg_notify
SELECT pg_notify('jobs', 'x')

-- effect: exfiltration
-- because: function pg_read_file
SELECT pg_read_file('/etc/passwd')

SELECT "pg_read_file"('/etc/passwd')

SELECT pg_read_file/**/('/etc/passwd')

SELECT pg_catalog.pg_read_file('/etc/passwd')

SELECT * FROM ROWS FROM (pg_read_file('/etc/passwd'), generate_series(1, 2)) AS x

SELECT sum(1) OVER (PARTITION BY pg_read_file('/etc/passwd'))

-- because: attribute pg_read_file
SELECT ('/etc/passwd'::text).pg_read_file

-- because: attribute pg_read_file
SELECT t.pg_read_file FROM t

COPY orders TO '/tmp/orders'

COPY orders TO STDOUT

-- effect: lock
-- because: node SelectStmt.lockingClause
SELECT * FROM orders FOR UPDATE

SELECT * FROM orders FOR NO KEY UPDATE SKIP LOCKED

SELECT * FROM (SELECT * FROM orders FOR KEY SHARE) x

TABLE orders FOR SHARE

LOCK TABLE orders

-- because: function pg_try_advisory_lock
SELECT pg_try_advisory_lock(1)

-- effect: write
-- because: node UpdateStmt
UPDATE orders SET state = 'done' WHERE id = :id

DELETE FROM orders WHERE id = 1

INSERT INTO orders (id, state) VALUES (1, 'new') ON CONFLICT (id) DO UPDATE SET state = excluded.state

MERGE INTO orders USING new ON orders.id = new.id WHEN MATCHED THEN DELETE

TRUNCATE orders

-- because: node DeleteStmt
WITH gone AS (DELETE FROM orders RETURNING *) SELECT * FROM gone

WITH a AS (SELECT 1) INSERT INTO orders SELECT * FROM a

-- because: function nextval
SELECT nextval('orders_id_seq')

-- because: function pg_current_xact_id
SELECT pg_current_xact_id()

COPY orders FROM '/tmp/orders'

-- effect: ddl
-- because: node SelectStmt.intoClause
SELECT * INTO copies FROM orders

WITH a AS (SELECT 1) SELECT * INTO TABLE n3 FROM a

-- because: node SelectStmt.intoClause
EXPLAIN SELECT 1 INTO TEMP x

CREATE TABLE x (a int)

CREATE TABLE x AS SELECT 1

CREATE INDEX ON orders (lower(state))

CREATE VIEW v AS SELECT 1

ALTER TABLE orders ADD COLUMN note text

DROP TABLE orders

REFRESH MATERIALIZED VIEW m

-- effect: admin
-- because: function pg_terminate_backend
SELECT pg_terminate_backend(:pid)

SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE state = 'idle in transaction'

UPDATE orders SET state = 'x' WHERE pg_cancel_backend(1)

SELECT pg_reload_conf()

SELECT lo_export(1, '/tmp/x')

COPY orders TO PROGRAM 'id'

COPY orders FROM PROGRAM 'id'

GRANT ALL ON orders TO public

VACUUM FULL

ALTER SYSTEM SET work_mem = '1GB'

CREATE EXTENSION dblink

CREATE ROLE intruder SUPERUSER

CHECKPOINT

LOAD 'x'

-- effect: unknown
-- because: lexical gate
SELECT 1; DELETE FROM orders

SELECT 1 /*/* */ --*/; DELETE FROM orders

SELECT 1 /* /* */ ; DELETE FROM orders

SELECT 1 /*! ; DELETE FROM orders */

SELECT 'a\'; DELETE FROM orders; --'

SELECT `a`; DELETE FROM orders

SELECT $é$;$é$

SELECT a$$b FROM orders

SELECT '{{ name }}' WHERE {{ condition }}

\! id

SELECT 'unterminated

SELECT /* unterminated

-- because: function dblink
SELECT * FROM dblink('dbname=x', 'DELETE FROM t') AS (a int)

-- because: function query_to_xml
SELECT query_to_xml('select 1', true, true, '')

-- because: function public.sum
SELECT public.sum(a) FROM t

-- because: function evil
SELECT evil(1)

SELECT a FROM t ORDER BY evil(a)

SELECT a FROM t WHERE a = ANY (SELECT evil(b) FROM u)

INSERT INTO orders (id) VALUES (evil())

DELETE FROM orders WHERE evil(id)

CREATE TABLE x AS SELECT evil()

-- because: type public.evil_type
SELECT 'x'::public.evil_type

SELECT CAST('x' AS evil_domain)

SELECT * FROM json_to_record('{}') AS x(a evil_domain)

-- because: operator public.@@@
SELECT 1 OPERATOR(public.@@@) 2

SELECT a === b FROM t

SELECT a FROM t ORDER BY a USING ===

-- because: attribute evil
SELECT (t.*).evil FROM t

SELECT (t).evil FROM t

SELECT (now()).evil

EXPLAIN SELECT evil(1)

EXPLAIN EXECUTE x

EXPLAIN CREATE TABLE x AS SELECT 1

DO $$ BEGIN DELETE FROM orders; END $$

CALL cleanup()

EXECUTE x

not sql at all

SELECT U&"\0070g_read_file"('/etc/passwd')

SHOW search_path; DELETE FROM orders

-- effect: write
-- because: node DeleteStmt
EXPLAIN ANALYZE DELETE FROM orders

EXPLAIN (COSTS off, ANALYZE on) UPDATE orders SET a = 1

EXPLAIN (ANALYZE OFF) DELETE FROM orders

EXPLAIN (ANALYZE OFF, ANALYZE ON) DELETE FROM orders

EXPLAIN/**/ANALYZE/**/DELETE FROM orders

EXPLAIN ANALYZE WITH gone AS (DELETE FROM orders RETURNING *) SELECT * FROM gone

-- effect: unknown
EXPLAIN (FORMAT JSON, "analyze") DELETE FROM orders

EXPLAIN ANALYZE SELECT evil()

EXPLAIN ANALYZE EXECUTE p

EXPLAIN ANALYZE CREATE TABLE copy AS SELECT 1

-- effect: lock
EXPLAIN ANALYZE SELECT * FROM orders FOR UPDATE

-- effect: ddl
EXPLAIN ANALYZE SELECT 1 INTO copy

-- effect: lock
-- because: function currval
SELECT currval('orders')
