-- Statements that a hunt found, shrunk; see ../seed_file.py for how they are written.

-- it is MULTI
PIVOT v t(j)ON U&"a"IN()

-- it changed the sequence
SUMMARIZE'deep'

-- it changed the sequence
SUMMARIZE x'deep'

-- it is MULTI
PIVOT list_aggregate()ON+a  IN(2)USING ()

-- it wanted a file that is forbidden
FROM duckdb_extension_repositories()

-- it is MULTI
SELECT COLUMNS UNION DESCRIBE PIVOT t POSITIONAL JOIN u ON rowid

-- it changed the sequence
SELECT*REPLACE(ARRAY(SUMMARIZE rows_of_evil)AS a)FROM t JOIN hours ON t.a=hours.a
