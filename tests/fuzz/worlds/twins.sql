-- Two databases that differ in masked values alone: every `A|B` is A in the first and B in the
-- second. What is equal in one is equal in the other, and NULL is NULL; orders and letters differ.
-- Every relation has the same columns, so that the same name is masked in one and not in another:
-- email and pin of customers, pin of cards, and what the views make of them.
CREATE TABLE customers (id int, email varchar(40), pin varchar(40), name varchar(40))
INSERT INTO customers VALUES (1, 'ann|zed_long', '1|3', 'one'), (2, 'bob|amy', '2|0', 'two'), (3, NULL, NULL, 'three'), (4, 'ann|zed_long', '5|9', NULL)
CREATE TABLE cards (id int, email varchar(40), pin varchar(40), name varchar(40))
INSERT INTO cards VALUES (1, 'ann', '1|3', 'x'), (2, 'amy', '2|0', 'y'), (4, NULL, '2|0', 'z'), (5, 'bob', NULL, NULL)
CREATE TABLE guesses (id int, email varchar(40), pin varchar(40), name varchar(40))
INSERT INTO guesses VALUES (0, 'ann', '0', '0'), (1, 'amy', '1', '1'), (2, 'zed_long', '2', 'ann'), (3, 'bob', '3', '3'), (5, NULL, '5', '5'), (9, 'x', '9', 'amy')
CREATE VIEW people AS SELECT id, name AS email, email AS name, upper(pin) AS pin FROM customers
CREATE VIEW others AS SELECT p.id, p.name AS email, c.pin, p.email AS name FROM people AS p JOIN cards AS c ON c.id = p.id
CREATE VIEW counted AS SELECT count(*) AS id, email, max(pin) AS pin, 'x' AS name FROM customers GROUP BY email
