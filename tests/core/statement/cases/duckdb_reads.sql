-- effect: read
SELECT 1

SELECT * FROM orders WHERE state = :state AND id > :id LIMIT 20

FROM orders

FROM orders SELECT state, count(*) GROUP BY ALL ORDER BY ALL

SELECT * EXCLUDE (secret) REPLACE (lower(state) AS state) FROM orders

SELECT COLUMNS('a.*'), COLUMNS(c -> c LIKE 'b%'), COLUMNS(lambda c: c <> 'x') FROM orders

SELECT max(COLUMNS(*)), [UNPACK(COLUMNS(*)::VARCHAR)] FROM orders

SELECT state, id FROM orders QUALIFY row_number() OVER (PARTITION BY state ORDER BY id DESC) = 1

SELECT DISTINCT ON (state) state, lower(note) FROM orders ORDER BY state, created DESC

PIVOT orders ON state IN ('open', 'done') USING count(*) GROUP BY customer

FROM orders PIVOT (count(*) FOR state IN ('open', 'done'))

UNPIVOT orders ON jan, feb, mar INTO NAME month VALUE amount

FROM orders UNPIVOT (amount FOR month IN (jan, feb))

SUMMARIZE orders

SUMMARIZE SELECT * FROM orders

DESCRIBE orders

DESCRIBE SELECT * FROM orders

DESC app.orders

DESCRIBE "v1.orders"

(DESCRIBE orders)

SELECT column_name FROM (DESCRIBE orders)

SHOW

SHOW TABLES

SHOW ALL TABLES

SHOW DATABASES

SHOW TABLES FROM app

SHOW orders

EXPLAIN SELECT * FROM orders WHERE id = :id

EXPLAIN (FORMAT JSON) FROM orders

EXPLAIN ANALYZE SELECT count(*) FROM orders

SELECT list_transform(items, lambda x: x.price * 2), list_filter(items, x -> x > 1) FROM orders

SELECT [x * 2 FOR x IN items IF x > 1], items[1], items[1:2], items[-1] FROM orders

SELECT {'a': 1, 'b': [1, 2]}, MAP {'k': 1}['k'], struct_pack(a := 1), payload.kind FROM orders

SELECT o.id, t.price FROM orders AS o ASOF JOIN ticks AS t ON o.id = t.id AND o.created >= t.created

FROM a POSITIONAL JOIN b

FROM a SEMI JOIN b USING (id)

SELECT count(*) FROM orders TABLESAMPLE 10%

FROM orders USING SAMPLE 100 ROWS (system)

FROM orders USING SAMPLE reservoir(50 ROWS) REPEATABLE (42)

SELECT $$it's$$, E'a\nb', 'it''s', X'41', 1_000, 0xFF, 1e3

SELECT n, n.x FROM (VALUES (1), (2)) AS t(n), range(3) r(x), generate_series(1, 3) g

SELECT 'x'.upper(), [1, 2].list_sum(), lower(state).trim() FROM orders

SELECT main.lower(state), pg_catalog.pg_typeof(id) FROM main.orders

SELECT total: price * 2 FROM lines: orders

SELECT payload ->> '$.kind', payload -> 'id', json_extract(payload, '$.a') FROM orders

SELECT * FROM a UNION BY NAME (SELECT * FROM b) ORDER BY id

WITH w(x) AS MATERIALIZED (SELECT id FROM orders) SELECT * FROM w

WITH RECURSIVE n(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM n WHERE x < 10) SELECT x FROM n

WITH RECURSIVE n(x) USING KEY (x) AS (SELECT 1 UNION SELECT x + 1 FROM n WHERE x < 3) FROM n

SELECT sum(a) FILTER (WHERE b > 1), quantile_cont(a, 0.5), arg_max(a, b), list(DISTINCT a ORDER BY a) FROM t

SELECT sum(a) EXPORT_STATE AS state, finalize(sum(a) EXPORT_STATE) FROM t

SELECT histogram(a), approx_count_distinct(b) FROM t

SELECT lag(a) OVER w, rank() OVER w, nth_value(a, 2) OVER w FROM t WINDOW w AS (ORDER BY b)

SELECT date_trunc('month', created), created + INTERVAL 1 DAY, INTERVAL (n) HOUR, extract(year FROM created) FROM t

SELECT trim('/' FROM '/a/'), substring('a.csv' FROM 3), position('.' IN 'a.csv')

SELECT CAST(a AS DECIMAL(10, 2)), b::STRUCT(x INTEGER, y VARCHAR[]), TRY_CAST(c AS DATE), a::mood FROM t

SELECT TRY(a / 0), a // 2, a ** 2, a IS DISTINCT FROM b, a SIMILAR TO 'x+', NOT a ILIKE 'b' FROM t

SELECT a FROM t WHERE (a, b) IN (SELECT 1, 2) AND EXISTS (FROM u WHERE u.id = t.id) LIMIT 10%

SELECT g, grouping(g) FROM t GROUP BY GROUPING SETS ((g), ()), ROLLUP (h), CUBE (i)

SELECT table_name FROM duckdb_tables() WHERE NOT temporary

SELECT name, value FROM duckdb_settings() WHERE name = 'threads'

SELECT * FROM information_schema.columns WHERE table_name = 'orders'

SELECT current_setting('TimeZone'), version(), getvariable('x'), current_database()

SELECT "id" AS "x.csv", 'orders.csv' AS name FROM "orders" -- a file's name is only data here

SELECT * FROM orders AT (VERSION => 3)

TABLE orders

VALUES (1, 'a'), (2, 'b')

PIVOT orders ON state IN ('open') USING sum(+total)

SELECT a, +b FROM t JOIN u ON +t.id = u.id
