-- Statements that a hunt found, shrunk; see ../seed_file.py for how they are written.

-- it calls a stored function: (1630, "FUNCTION il_6e17156c08.VALUE does not exist. Check the 'Function Name Parsing and Resolution' section in the Reference Manual")
SELECT`VALUE`()

-- it changed user variables
SELECT 1 UNION SELECT 2.INTO@a

-- it crashed MariaDB 10.11.19 (With_element::prepare_unreferenced)
SELECT a IN (WITH w AS (SELECT 1 FROM u JOIN u AS x ON c) SELECT 2.5) FROM t
