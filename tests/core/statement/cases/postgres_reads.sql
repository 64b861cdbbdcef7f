-- effect: read
SELECT 1

SELECT pid, usename, state, age(clock_timestamp(), query_start) AS running, left(query, 80) AS query
  FROM pg_stat_activity
 WHERE state <> 'idle' AND pid <> pg_backend_pid()
 ORDER BY query_start

SELECT blocked.pid, blocking.pid AS by, blocking.state
  FROM pg_stat_activity AS blocked
  JOIN LATERAL unnest(pg_blocking_pids(blocked.pid)) AS b(pid) ON true
  JOIN pg_stat_activity AS blocking ON blocking.pid = b.pid

WITH RECURSIVE tree(pid, depth) AS (
  SELECT pid, 0 FROM pg_stat_activity WHERE cardinality(pg_blocking_pids(pid)) = 0
  UNION ALL
  SELECT a.pid, tree.depth + 1 FROM pg_stat_activity a JOIN tree ON tree.pid = ANY (pg_blocking_pids(a.pid))
)
SELECT * FROM tree ORDER BY depth LIMIT 100

SELECT relname, n_dead_tup, pg_size_pretty(pg_total_relation_size(relid)) FROM pg_stat_user_tables

SELECT pg_wal_lsn_diff(pg_current_wal_lsn(), replay_lsn) AS bytes_behind FROM pg_stat_replication

SELECT pg_is_in_recovery(), pg_last_wal_receive_lsn(), pg_last_wal_replay_lsn(), pg_last_xact_replay_timestamp()

SELECT pg_database_size('orders'), pg_relation_size('t'::regclass), pg_indexes_size('t'::regclass)

SELECT * FROM orders WHERE state = :state AND created > now() - interval '1 hour' LIMIT 50;

SELECT id::text, total::numeric(10,2), tags[1:2], data ->> 'name', data @> '{"a": 1}' FROM orders

SELECT count(*) FILTER (WHERE state = 'stuck'), percentile_cont(0.5) WITHIN GROUP (ORDER BY total)
  FROM orders GROUP BY GROUPING SETS ((state), ())

SELECT *, row_number() OVER (PARTITION BY state ORDER BY created) FROM orders

SELECT date_trunc('hour', created), extract(epoch FROM max(created)) FROM orders GROUP BY 1 ORDER BY 1

SELECT coalesce(a, b), nullif(a, b), greatest(a, b), CASE WHEN a IS NULL THEN 1 ELSE 2 END FROM t

SELECT 'it''s', E'tab\t', $$text with 'quotes'$$, $tag$more; text$tag$, U&'\0441'

SELECT "Order"."Total" FROM "Order" -- a plain comment

SELECT größe FROM maße

(SELECT a FROM t) UNION ALL (SELECT b FROM u) EXCEPT SELECT 1

VALUES (1, 'a'), (2, 'b')

TABLE orders

SELECT * FROM ONLY orders TABLESAMPLE system (1)

SELECT pg_catalog.abs(-1), 1 OPERATOR(pg_catalog.+) 2, 'x'::pg_catalog.text

SELECT box '(0,0,1,1)' && box '(1,1,2,2)', point '(1,2)' <@ circle '((0,0),3)'

SELECT * FROM generate_series(1, 10) WITH ORDINALITY AS g(n, i)

SELECT * FROM json_to_recordset('[{"a": 1}]') AS x(a int, b text)

SELECT (pg_identify_object('pg_class'::regclass, 0, 0)).identity

SELECT a FROM t WHERE a IN (SELECT b FROM u) AND EXISTS (SELECT 1 FROM v) AND a BETWEEN 1 AND 2

SELECT a FROM t WHERE name ILIKE '%x%' AND name ~* 'y' AND b IS DISTINCT FROM c

SELECT string_agg(name, ', ' ORDER BY name) FROM t HAVING count(*) > 1

SELECT lastval(), current_setting('work_mem'), current_user, current_date

EXPLAIN SELECT * FROM orders

EXPLAIN (FORMAT JSON, COSTS off, BUFFERS false) SELECT * FROM orders WHERE id = :id

EXPLAIN VERBOSE DELETE FROM orders

SHOW search_path

SHOW ALL

SHOW pg_stat_statements.track

SELECT 1 DELETE FROM orders -- PostgreSQL reads a column called delete, and so do we

EXPLAIN ANALYZE SELECT * FROM orders WHERE id = :id

EXPLAIN (ANALYZE, BUFFERS, TIMING OFF) SELECT count(*) FROM orders

EXPLAIN ANALYZE VERBOSE SELECT 1
