-- What is seen of masked columns in what an approved change returns; written as in columns.sql.

-- y=pii
WITH x AS (UPDATE customers SET name = 'a' RETURNING upper(email) AS y) SELECT y FROM x [postgres]

-- y=pii n
WITH x (y, n) AS (DELETE FROM customers RETURNING email, id) SELECT y, n FROM x [postgres]

-- id
WITH x AS (INSERT INTO orders SELECT id, 1, 1 FROM customers RETURNING id) SELECT id FROM x [postgres]

-- id email=pii name
UPDATE customers SET name = 'a' WHERE id = 1 RETURNING id, email, name [postgres sqlite duckdb]
