-- What is seen of columns that a target masks: customers.email and customers.phone as pii,
-- cards.pin as secret. Above each statement stand the columns of its result, with `=tag` behind a
-- masked one; `?` means that they cannot be told by position, so that each whose origin is not
-- known is masked. In brackets: the only dialects in which it is asked.

-- id email=pii
SELECT id, email FROM customers

-- mail=pii
SELECT c.email AS mail FROM customers AS c WHERE c.id = 7

-- id email=pii phone=pii name
SELECT * FROM customers

-- id email=pii phone=pii name id customer_id total
SELECT * FROM customers AS c JOIN orders AS o ON o.customer_id = c.id

-- id customer_id total email=pii
SELECT o.*, c.email FROM customers AS c JOIN orders AS o ON o.customer_id = c.id

-- id customer_id total
SELECT o.* FROM customers AS c JOIN orders AS o ON o.customer_id = c.id

-- ?
SELECT * FROM customers AS c JOIN cards USING (id)

-- n
SELECT count(email) AS n FROM customers

-- n
SELECT count(DISTINCT email) AS n FROM customers WHERE email IS NOT NULL

-- email=pii n
SELECT email, count(*) AS n FROM customers GROUP BY email ORDER BY n DESC

-- email=pii n
SELECT email, count(*) AS n FROM customers GROUP BY 1 ORDER BY 2 DESC LIMIT 10

-- missing
SELECT email IS NULL AS missing FROM customers

-- id
SELECT id FROM customers WHERE email = 'ann@example.com'

-- id
SELECT id FROM customers WHERE NOT (email <> 'ann@example.com' OR phone IS NULL) AND total > 5

-- id
SELECT id FROM customers WHERE email IN ('ann@example.com', 'bob@example.com')

-- id
SELECT id FROM customers WHERE email IN (SELECT email FROM customers WHERE id < 5)

-- id
SELECT a.id FROM customers AS a JOIN customers AS b ON a.email = b.email

-- e=pii
SELECT s.e FROM (SELECT email AS e FROM customers) AS s

-- id mail=pii
WITH c AS (SELECT id, email AS mail FROM customers) SELECT id, mail FROM c

-- a b=pii
WITH c (a, b) AS (SELECT id, email FROM customers) SELECT a, b FROM c

-- x=pii
SELECT id AS x FROM orders UNION ALL SELECT email FROM customers

-- x=pii
SELECT s.x FROM (SELECT id AS x FROM orders UNION ALL SELECT email FROM customers) AS s

-- email=pii
SELECT email FROM customers UNION SELECT phone FROM customers

-- e=pii
SELECT (SELECT email FROM customers WHERE id = 1) AS e

-- there
SELECT EXISTS (SELECT email FROM customers) AS there

-- id pin=secret email=pii
SELECT k.id, k.pin, c.email FROM cards AS k JOIN customers AS c ON c.id = k.id

-- id name
SELECT id, name FROM customers ORDER BY name

-- upper_name
SELECT upper(name) AS upper_name FROM customers

-- email
SELECT email FROM suppliers

-- email length
SELECT s.email, length(s.email) AS length FROM suppliers AS s JOIN customers AS c ON c.id = s.id

-- mail=pii id
SELECT mail, id FROM customer_view

-- id=pii shouted=pii
SELECT id, shouted FROM odd_view

-- id
SELECT id FROM orders_view

-- mail=pii
SELECT mail FROM deep_view

-- id email=pii phone=pii name
SELECT * FROM customers_2024

-- id email=pii
SELECT id, email FROM kept [postgres]

-- id email=pii phone=pii name
TABLE customers [postgres]

-- n
SELECT count(c.*) AS n FROM customers AS c [postgres]

-- id n
SELECT id, count(*) OVER (PARTITION BY email) AS n FROM customers

-- id
SELECT id FROM customers WHERE email = CAST('ann@example.com' AS char(40))

-- id
SELECT id FROM customers WHERE email IS DISTINCT FROM 'ann@example.com' [postgres sqlite]

-- id email=pii phone=pii name
FROM customers [duckdb]

-- ?
SELECT * EXCLUDE (email) FROM customers [duckdb]
