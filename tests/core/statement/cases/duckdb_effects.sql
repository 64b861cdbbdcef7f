-- effect: exfiltration
-- because: file orders.csv
SELECT * FROM 'orders.csv'

-- because: file orders.csv
SELECT * FROM "orders.csv"

-- because: file orders.csv
SELECT * FROM orders.csv

-- because: file orders.csv
FROM "orders" . "csv"

-- because: file main.x.PARQUET
FROM main.x.PARQUET

-- because: file s3://bucket/x
FROM 's3://bucket/x'

FROM a, 'b.csv'

FROM a JOIN '/data/*.json' AS b ON true

FROM a, (SELECT * FROM '~/x')

SELECT EXISTS (FROM 'x.csv')

SELECT extract(year FROM (SELECT max(d) FROM 'x.csv'))

WITH w AS (FROM 'x.csv') FROM w

EXPLAIN FROM 'x.csv'

DESCRIBE 'x.csv'

SUMMARIZE 'x.csv'

DESCRIBE x.csv

SELECT column_name FROM (DESCRIBE 'x.csv')

PIVOT 'x.csv' ON a IN (1)

UNPIVOT 'x.csv' ON a

FROM q: 'x.csv'

-- because: function read_csv
SELECT * FROM read_csv('x.csv')

-- because: function read_text
SELECT * FROM read_text('/etc/passwd')

SELECT * FROM "read_blob"('x')

SELECT * FROM t, LATERAL glob('*')

SELECT * FROM t, parquet_metadata('x')

SELECT DISTINCT ON (a) read_text(a) FROM t

SELECT 'x.csv'.read_text()

SELECT [read_text(x) FOR x IN ['x']]

SELECT list_transform(['x'], lambda x: read_text(x))

SELECT read_text/**/('x')

SELECT getenv('HOME')

FROM duckdb_secrets()

FROM which_secret('s3://x', 's3')

FROM duckdb_extensions()

COPY orders TO 'x.csv'

COPY (SELECT 1) TO 'x.parquet'

-- effect: session
-- because: node Pivot
PIVOT orders ON state USING count(*)

FROM (PIVOT orders ON state)

SET threads = 1

SET VARIABLE x = 1

RESET threads

USE app

PRAGMA threads = 1

PRAGMA table_info('orders')

PREPARE x AS SELECT 1

DEALLOCATE x

BEGIN

COMMIT

ROLLBACK

SELECT setseed(0.5)

FROM enable_profiling()

-- effect: write
-- because: function nextval
SELECT nextval('s')

SELECT 's'.nextval()

SELECT mode(nextval('s')) FROM range(4) t(i)

INSERT INTO orders VALUES (1)

INSERT INTO orders BY NAME SELECT 1 AS id

UPDATE orders SET state = 'done'

DELETE FROM orders WHERE id = :id

MERGE INTO orders USING new ON orders.id = new.id WHEN MATCHED THEN DELETE

TRUNCATE orders

UPDATE EXTENSIONS

WITH gone AS (DELETE FROM orders RETURNING *) SELECT * FROM gone

EXPLAIN ANALYZE WITH gone AS (DELETE FROM orders RETURNING *) SELECT * FROM gone

EXPLAIN DELETE FROM orders

SELECT write_log('x')

-- effect: ddl
CREATE TABLE x AS FROM orders

CREATE OR REPLACE TEMP VIEW x AS SELECT 1

CREATE MACRO x(a) AS a + 1

CREATE SECRET x (TYPE s3)

DROP TABLE orders

ALTER TABLE orders ADD COLUMN z INTEGER

COMMENT ON TABLE orders IS 'x'

-- effect: admin
ATTACH 'x.db' AS x

DETACH x

INSTALL httpfs

LOAD httpfs

CHECKPOINT

FORCE CHECKPOINT

VACUUM

SELECT * FROM checkpoint()

SELECT * FROM register_external_resource_type('x', kind := 'catalog')

SELECT * FROM enable_logging()

-- effect: costly
SELECT sleep_ms(100000)

-- effect: unknown
-- because: function query
SELECT * FROM query('SELECT 1')

-- because: function query_table
SELECT * FROM query_table('orders.csv')

-- because: table histogram
SELECT * FROM histogram('x.csv', a)

SELECT * FROM t, histogram('x.csv', a)

SELECT * FROM histogram_values(t, a)

SELECT json_serialize_plan('FROM x')

SELECT * FROM json_execute_serialized_sql('{}')

SELECT * FROM pragma_table_info('orders')

SELECT * FROM pragma_version()

SELECT * FROM seq_scan('orders')

-- because: function my_macro
SELECT my_macro(1)

SELECT * FROM my_table_macro(1)

-- because: function app.lower
SELECT app.lower(state) FROM orders

SELECT "app"."lower"(state) FROM orders

SELECT o.state.upper() FROM orders AS o

SELECT a.read_text() FROM t

FROM duckdb_logs()

SELECT * FROM app.range(3)

SELECT * FROM duckdb_logs

TABLE 'x.csv'

EXPORT DATABASE 'x'

IMPORT DATABASE 'x'

EXPLAIN (ANALYZE) SELECT 1

EXPLAIN ANALYZE (FORMAT JSON) SELECT 1

EXPLAIN ANALYZE EXECUTE x

EXPLAIN EXECUTE x

EXPLAIN

SHOW 'x.csv'

SHOW x.csv

SHOW TABLES FROM app.x

EXECUTE x

CALL pragma_version()

(CHECKPOINT)

SELECT 1; SELECT 2

SELECT 1; DELETE FROM orders

SELECT 1 /*/* */ --*/; DELETE FROM orders

SELECT `a` FROM t

SELECT ?

CHECKPOINT UNION SELECT 1

-- because: table x'orders'
SUMMARIZE x'orders'

SUMMARIZE TABLE n'orders'

DESCRIBE b'orders'

SELECT * FROM (SUMMARIZE E'orders')

SUMMARIZE $$orders$$

-- effect: session
-- because: sign +
PIVOT orders ON +state IN ('open') USING count(*)

PIVOT orders ON state IN ('open'), + /* a */ customer IN (2) USING count(*)

WITH w AS (PIVOT orders ON +"state" IN ('open')) FROM w

-- effect: exfiltration
FROM duckdb_extension_repositories()

-- effect: unknown
-- because: node Pivot
DESCRIBE PIVOT orders

SELECT 1 UNION DESCRIBE PIVOT orders POSITIONAL JOIN jobs ON state

SELECT COLUMNS UNION DESCRIBE PIVOT orders JOIN jobs ON state
