-- What could tell the values of columns that a target masks (see columns.sql), though they
-- are never shown: each is refused, and below it stands what for. In brackets: the only dialects.

-- email
SELECT lower(email) FROM customers

-- email
SELECT email || '' AS e FROM customers

-- email
SELECT CAST(email AS char(3)) FROM customers

-- email
SELECT max(c.email) FROM customers AS c

-- email
SELECT id FROM customers WHERE email LIKE 'a%'

-- email
SELECT id FROM customers WHERE email > 'm'

-- email
SELECT id FROM customers WHERE email BETWEEN 'a' AND 'b'

-- email
SELECT id FROM customers ORDER BY email

-- an order
SELECT id, email FROM customers ORDER BY 2

-- an order
SELECT id FROM orders UNION ALL SELECT email FROM customers ORDER BY 1

-- email
SELECT CASE WHEN email = 'a' THEN 'a' WHEN email = 'b' THEN 'b' END FROM customers

-- email
SELECT email = 'ann@example.com' FROM customers

-- pin
SELECT g.guess FROM cards AS k JOIN guesses AS g ON g.guess = k.pin

-- pin
SELECT guess FROM guesses WHERE EXISTS (SELECT 1 FROM cards WHERE cards.pin = guesses.guess)

-- a subquery
SELECT guess FROM guesses WHERE guess IN (SELECT pin FROM cards)

-- pin
SELECT id FROM cards WHERE pin IN (SELECT guess FROM guesses)

-- a join by name
SELECT guess FROM cards NATURAL JOIN guesses

-- a join by name
SELECT id FROM cards JOIN (SELECT guess AS pin FROM guesses) AS g USING (pin)

-- UNION with other values
SELECT email FROM customers UNION SELECT 'ann@example.com'

-- v
SELECT v, max(g) FROM (SELECT pin AS v, NULL AS g FROM cards UNION ALL SELECT guess, guess FROM guesses) AS s GROUP BY v HAVING count(*) > 1

-- GROUP BY with other values
SELECT v, max(g) FROM (SELECT pin AS v, NULL AS g FROM cards UNION ALL SELECT guess, guess FROM guesses) AS s GROUP BY 1

-- DISTINCT with other values
SELECT DISTINCT v FROM (SELECT pin AS v FROM cards UNION ALL SELECT guess FROM guesses) AS s

-- v
SELECT count(DISTINCT v) FROM (SELECT pin AS v FROM cards UNION ALL SELECT guess FROM guesses) AS s

-- pin
SELECT id AS guess FROM cards WHERE guess = pin

-- email
WITH customers AS (SELECT id, email FROM customers) SELECT lower(email) FROM customers

-- pin
SELECT g.guess AS pin FROM guesses AS g, cards AS k HAVING pin = k.pin [mariadb sqlite duckdb]

-- INTERSECT with other values
SELECT guess, id FROM guesses, orders INTERSECT SELECT pin, id FROM cards

-- EXCEPT with other values
SELECT * FROM guesses EXCEPT SELECT pin FROM cards

-- e
SELECT upper(e) FROM (SELECT email AS e FROM customers) AS s

-- b
WITH c (a, b) AS (SELECT id, email FROM customers) SELECT max(b) FROM c

-- x
SELECT length(s.x) FROM (SELECT id AS x FROM orders UNION ALL SELECT email FROM customers) AS s

-- e
SELECT email AS e FROM customers HAVING e LIKE 'a%' [mariadb sqlite duckdb]

-- a subquery
SELECT lower((SELECT email FROM customers WHERE id = 1))

-- email
SELECT row_number() OVER (ORDER BY email) FROM customers

-- email
SELECT count(CASE WHEN email = 'a' THEN 1 END) FROM customers

-- mail
SELECT upper(mail) FROM customer_view

-- shouted
SELECT id FROM odd_view WHERE shouted LIKE 'A%'

-- mail
SELECT length(mail) FROM deep_view

-- email
SELECT id FROM customers_2024 WHERE email LIKE 'a%'

-- email
EXPLAIN SELECT id FROM customers WHERE email < 'm'

-- phone
SELECT coalesce(phone, 'none') FROM customers

-- email
SELECT concat(email, phone) FROM customers

-- c
SELECT row_to_json(c) FROM customers AS c [postgres]

-- c
SELECT CAST(c AS text) FROM customers AS c [postgres]

-- *
SELECT row_to_json(c.*) FROM customers AS c [postgres]

-- c
SELECT (c).email FROM customers AS c [postgres]

-- function email
SELECT email(c) FROM customers AS c [postgres]

-- email
SELECT DISTINCT ON (email) id FROM customers [postgres duckdb]

-- b
SELECT max(c.b) FROM customers AS c (a, b, d, e) [postgres]

-- a subquery
SELECT ARRAY(SELECT email FROM customers) [postgres]

-- a subquery
SELECT id FROM orders WHERE 'a' = ANY (SELECT email FROM customers) [postgres]

-- email
SELECT array_agg(email) FROM customers [postgres]

-- email
SELECT string_agg(name, ',' ORDER BY email) FROM customers [postgres]

-- a choice of columns without their names
SELECT COLUMNS('e.*') FROM customers [duckdb]

-- a choice of columns without their names
SELECT #2 FROM customers [duckdb]

-- email
SELECT * REPLACE (lower(email) AS name) FROM customers [duckdb]

-- an order
SELECT id, email FROM customers ORDER BY ALL [duckdb]

-- email
SELECT customers.'email' FROM customers [sqlite]

-- email:1
SELECT upper(x."email:1") FROM (SELECT a.*, b.* FROM customers AS a, customers AS b) AS x [sqlite]

-- email
SELECT group_concat(email) FROM customers [mariadb sqlite]

-- values in pg_stats
SELECT most_common_vals FROM pg_stats WHERE tablename = 'customers' [postgres]

-- values in mysql.column_stats
SELECT min_value FROM mysql.column_stats [mariadb]

-- a list of masked values
SELECT guess FROM guesses WHERE guess IN pins [sqlite]

-- a list of masked values
SELECT guess FROM guesses WHERE guess NOT IN main.pins [sqlite]

-- a list of masked values
WITH c AS (SELECT pin FROM cards) SELECT guess FROM guesses WHERE guess IN c [sqlite]

-- a statement of this kind
SUMMARIZE customers [duckdb]

-- a statement of this kind
SUMMARIZE 'customers' [duckdb]

-- SUMMARIZE
SELECT * FROM (SUMMARIZE 'customers') [duckdb]

-- SUMMARIZE
WITH s AS (SUMMARIZE customers) SELECT min FROM s [duckdb]

-- DESCRIBE
SELECT column_name FROM (DESCRIBE customers) [duckdb]
