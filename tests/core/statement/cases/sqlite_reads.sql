-- effect: read
SELECT 1

SELECT * FROM jobs WHERE state = :state AND id > :id LIMIT 20

SELECT state, count(*), group_concat(id, ',') FROM jobs GROUP BY state HAVING count(*) > 1

SELECT date('now', '-1 day'), datetime(created, 'unixepoch'), strftime('%H', created) FROM jobs

SELECT julianday('now') - julianday(created) AS days, unixepoch() FROM jobs ORDER BY days DESC

SELECT payload ->> '$.kind', json_extract(payload, '$.id'), json_valid(payload) FROM jobs

SELECT j.value FROM jobs, json_each(jobs.payload) AS j

WITH waiting(id, state) AS (SELECT id, state FROM jobs WHERE state = 'waiting') SELECT * FROM waiting

WITH RECURSIVE n(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM n WHERE x < 10) SELECT x FROM n

SELECT cast(id AS varchar(10)), ifnull(a, b), iif(a > b, a, b), printf('%05d', id), typeof(a) FROM jobs

SELECT "id", [state], `kind` FROM "jobs" -- three ways to quote

SELECT *, row_number() OVER (PARTITION BY state ORDER BY created) AS n FROM jobs

SELECT row_number() OVER w FROM jobs WINDOW w AS (ORDER BY id)

SELECT a FROM t UNION SELECT b FROM u EXCEPT SELECT 1 INTERSECT SELECT 2

VALUES (1, 'a'), (2, 'b')

SELECT x'53514c', 0x10, 1e3, 'it''s', NULL IS NOT NULL, 'a' || 'b', 'x' LIKE '%y%' ESCAPE '!'

SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT GLOB 'sqlite_*'

SELECT * FROM jobs AS j LEFT JOIN workers AS w USING (worker) WHERE EXISTS (SELECT 1 FROM t)

SELECT id FROM jobs WHERE id IN (1, 2) OR (state, kind) = ('a', 'b') OR id BETWEEN 1 AND 2

SELECT rowid, * FROM docs WHERE docs MATCH 'stuck' ORDER BY bm25(docs)

SELECT max(a, b), min(a), total(a), avg(a) FILTER (WHERE a > 0) FROM t

SELECT name FROM pragma_table_info('jobs')

PRAGMA table_info(jobs)

PRAGMA main.table_xinfo('jobs')

PRAGMA user_version;

PRAGMA journal_mode

EXPLAIN QUERY PLAN SELECT * FROM jobs WHERE id = :id

EXPLAIN SELECT 1
