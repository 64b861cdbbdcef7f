-- Statements that a hunt found, shrunk; see ../seed_file.py for how they are written.

-- a transaction id, locks, temporary objects
EXPLAIN(BUFFERS,VERBOSE)SELECT INTO TEMP x

-- a transaction id, locks
SELECT(b).evil FROM t

-- a transaction id, locks
SELECT(t.id).evil FROM t

-- a transaction id, locks
SELECT c-'x'-:name::text::castable FROM t

-- a transaction id, locks
SELECT(ARRAY[abs(x=>0)])FROM(VALUES(1,2))t(b)
