-- effect: read
SELECT 1

SELECT id, state, total FROM orders WHERE state = :state AND created > now() - INTERVAL 1 HOUR ORDER BY id LIMIT 50;

SELECT * FROM orders WHERE id = :id OR parent = :id

SELECT id, user, time, state, left(info, 80) AS query FROM information_schema.processlist WHERE command <> 'Sleep' ORDER BY time DESC

SELECT r.trx_mysql_thread_id AS waiting, b.trx_mysql_thread_id AS blocking
  FROM information_schema.innodb_lock_waits AS w
  JOIN information_schema.innodb_trx AS b ON b.trx_id = w.blocking_trx_id
  JOIN information_schema.innodb_trx AS r ON r.trx_id = w.requesting_trx_id

SELECT table_name, round(data_length / 1024 / 1024) AS mb, table_rows FROM information_schema.tables WHERE table_schema = database()

SELECT state, count(*), sum(total), group_concat(DISTINCT id ORDER BY id SEPARATOR ', ') FROM orders GROUP BY state WITH ROLLUP HAVING count(*) > 3

SELECT count(DISTINCT customer), avg(total), std(total), max(created) FROM orders

WITH late AS (SELECT * FROM orders WHERE due < now()) SELECT customer, count(*) FROM late GROUP BY customer

WITH RECURSIVE tree AS (SELECT id, parent FROM parts WHERE parent IS NULL UNION ALL SELECT p.id, p.parent FROM parts p JOIN tree t ON p.parent = t.id) SELECT * FROM tree

SELECT *, row_number() OVER (PARTITION BY state ORDER BY created) AS n, lag(total) OVER w FROM orders WINDOW w AS (ORDER BY id)

SELECT `id`, "text", 'it''s', N'national', _utf8mb4'x' COLLATE utf8mb4_bin, x'4D', 0x4D, b'01' FROM `orders`

SELECT 'C:\\temp', '\n', "a\tb"

SELECT @@version, @@global.max_connections, @@session.sql_mode, @trace

SELECT if(a > b, a, b), ifnull(a, b), nullif(a, b), CASE WHEN a IS NULL THEN 1 ELSE 2 END, a <=> b, a DIV 2, a MOD 2, a XOR b, !a FROM t

SELECT convert(a USING utf8mb4), convert(b, decimal(10,2)), cast(c AS char(10)), cast(d AS unsigned), binary e FROM t

SELECT date_add(created, INTERVAL 1 DAY), created + INTERVAL '1:30' MINUTE_SECOND, extract(YEAR FROM created), timestampdiff(SECOND, a, b), date_format(a, '%Y') FROM t

SELECT j.a FROM t, json_table(t.payload, '$[*]' COLUMNS (n FOR ORDINALITY, a varchar(10) PATH '$.a', NESTED PATH '$.b[*]' COLUMNS (b int PATH '$'))) AS j

SELECT substring(a FROM 1 FOR 3), substring_index(a, ',', 1), position('x' IN a), trim(LEADING 'x' FROM a), regexp_replace(a, 'x', 'y'), locate('x', a) FROM t

SELECT a FROM t WHERE a LIKE 'x!%%' ESCAPE '!' AND b REGEXP '^x' AND c NOT RLIKE 'y' AND d SOUNDS LIKE 'z' AND (e, f) IN ((1, 2), (3, 4))

SELECT a FROM t WHERE match (a, b) AGAINST ('slow query' IN BOOLEAN MODE)

SELECT a FROM t USE INDEX FOR JOIN (t_a) IGNORE INDEX (t_b) STRAIGHT_JOIN u FORCE INDEX (PRIMARY) ON t.id = u.id

SELECT SQL_NO_CACHE SQL_CALC_FOUND_ROWS HIGH_PRIORITY DISTINCT a FROM t LIMIT 2, 5

SELECT found_rows(), row_count(), last_insert_id(), connection_id(), is_used_lock('jobs')

SELECT next, value, columns, escape, of, against FROM t # words that are names here

SELECT 1 -- a remark
# another one
/* and a third */

SELECT 5 - -1, 5 -(-1)

EXPLAIN SELECT * FROM orders WHERE state = 'stuck'

EXPLAIN FORMAT=JSON SELECT * FROM orders

DESCRIBE SELECT 1

EXPLAIN FOR CONNECTION 12

DESCRIBE orders

DESC shop.orders state

EXPLAIN orders 's%'

SHOW FULL PROCESSLIST

SHOW ENGINE INNODB STATUS

SHOW GLOBAL STATUS LIKE 'Threads%'

SHOW SESSION VARIABLES WHERE Variable_name IN ('sql_mode', 'tx_isolation') OR Value = 'ON'

SHOW CREATE TABLE shop.orders

SHOW CREATE PROCEDURE p

SHOW INDEX FROM orders FROM shop

SHOW FULL COLUMNS IN orders LIKE 's%'

SHOW TABLE STATUS FROM shop WHERE Engine = 'InnoDB'

SHOW REPLICA STATUS

SHOW BINARY LOGS

SHOW GRANTS FOR app@localhost

SHOW WARNINGS LIMIT 5

SHOW COUNT(*) ERRORS

SHOW PROFILE CPU, BLOCK IO FOR QUERY 2

HELP 'select'

SHOW TABLES

VALUES ROW(1, 'a'), ROW(2, 'b')

TABLE orders ORDER BY id LIMIT 5

SELECT * FROM (VALUES ROW(1), ROW(2)) AS v

SELECT a FROM t, LATERAL (SELECT max(b) FROM u WHERE u.id = t.id) AS x

SELECT payload->'$.id', payload->>'$.kind', 1 MEMBER OF('[1, 2]') FROM t

SELECT any_value(a), bin_to_uuid(b), format_bytes(c), json_pretty(d), regexp_like(e, 'x'), grouping(a) FROM t GROUP BY a WITH ROLLUP

SELECT a FROM t EXCEPT SELECT b FROM u INTERSECT SELECT c FROM v

EXPLAIN FORMAT=TREE SELECT * FROM orders

EXPLAIN ANALYZE SELECT * FROM orders

EXPLAIN ANALYZE FORMAT=TREE SELECT * FROM orders

SHOW BINARY LOG STATUS

SHOW REPLICAS

SELECT json_detailed('{}'), sformat('{}', 1)

SELECT median(a) OVER () FROM t
