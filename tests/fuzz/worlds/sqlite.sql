-- Something to lose. `evil` and the functions of other builds are made by the judge itself.
CREATE TABLE t (id INTEGER PRIMARY KEY, a INTEGER, b TEXT, c TEXT);
INSERT INTO t (a, b, c) VALUES (1, 'row 1', '{"x": 1}'), (2, 'row 2', '[1, 2]'), (3, NULL, NULL);
CREATE INDEX t_a ON t (a);
CREATE TABLE u (id INTEGER, t_id INTEGER REFERENCES t, v TEXT);
INSERT INTO u VALUES (1, 1, 'x'), (2, 2, 'y');
CREATE VIEW v AS SELECT id, a, b FROM t;
CREATE VIEW w AS SELECT id FROM t;
CREATE TRIGGER w_insert INSTEAD OF INSERT ON w BEGIN DELETE FROM t; END;
CREATE VIRTUAL TABLE words USING fts5(x);
INSERT INTO words VALUES ('hello world');
