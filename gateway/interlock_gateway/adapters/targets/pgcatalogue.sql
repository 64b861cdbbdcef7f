-- What the names of this database mean, as one JSON document: pgcatalogue.py reads it.
-- Run with an empty search path, so that definitions are printed with their names qualified and
-- nothing of the database can stand in for a function or an operator used here.
-- 16384 is FirstNormalObjectId (transam.h): what initdb makes has a lower oid.
WITH extension AS (
  SELECT d.classid, d.objid, e.extname AS name
    FROM pg_depend AS d
    JOIN pg_extension AS e ON e.oid = d.refobjid
   WHERE d.refclassid = 'pg_extension'::regclass AND d.deptype = 'e'
),
-- A type as [schema, name]; of an array its elements'; ["", ""] for one of the engine's own.
type_name AS (
  SELECT t.oid,
         CASE WHEN coalesce(element.oid, t.oid) < 16384 THEN json_build_array('', '')
              ELSE json_build_array(n.nspname, coalesce(element.typname, t.typname))
         END AS name
    FROM pg_type AS t
    LEFT JOIN pg_type AS element ON element.oid = t.typelem AND t.typcategory = 'A'
    JOIN pg_namespace AS n ON n.oid = coalesce(element.typnamespace, t.typnamespace)
),
routine AS (
  SELECT p.oid, p.proname, p.proargtypes, p.provariadic, p.pronargdefaults,
         json_build_object(
           'name', json_build_array(n.nspname, p.proname),
           'extension', e.name,
           'volatile', p.provolatile = 'v',
           -- One argument is enough: `value.name` calls it, whatever the value is.
           'of_one', p.pronargs >= 1 AND p.pronargs - p.pronargdefaults <= 1
         ) AS facts
    FROM pg_proc AS p
    JOIN pg_namespace AS n ON n.oid = p.pronamespace
    LEFT JOIN extension AS e ON e.classid = 'pg_proc'::regclass AND e.objid = p.oid
   WHERE p.oid >= 16384
),
made_cast AS (
  SELECT k.castsource, k.casttarget, routine.facts
    FROM pg_cast AS k
    JOIN routine ON routine.oid = k.castfunc
),
-- Whoever reads a table reads its partitions and what inherits from it.
descendant AS (
  WITH RECURSIVE below AS (
    SELECT inhparent AS top, inhrelid AS relation FROM pg_inherits
    UNION
    SELECT below.top, i.inhrelid FROM below JOIN pg_inherits AS i ON i.inhparent = below.relation
  )
  SELECT below.top, c.relkind
    FROM below
    JOIN pg_class AS c ON c.oid = below.relation
),
relation AS (
  SELECT n.nspname AS schema, c.relname AS name,
         CASE WHEN EXISTS (SELECT FROM descendant AS d WHERE d.top = c.oid AND d.relkind = 'f')
              THEN 'f' ELSE c.relkind::text
         END AS kind,
         (SELECT json_object_agg(a.attname, tn.name ORDER BY a.attnum)
            FROM pg_attribute AS a
            JOIN type_name AS tn ON tn.oid = a.atttypid
           WHERE a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped) AS columns,
         CASE WHEN c.relkind = 'v' THEN pg_get_viewdef(c.oid) ELSE '' END AS definition,
         CASE WHEN c.relkind = 'm' THEN pg_get_viewdef(c.oid) ELSE '' END AS filled_by,
         (SELECT json_agg(json_build_array(kn.nspname, kc.relname) ORDER BY kn.nspname, kc.relname)
            FROM pg_inherits AS i
            JOIN pg_class AS kc ON kc.oid = CASE c.oid WHEN i.inhparent THEN i.inhrelid
                                                       WHEN i.inhrelid THEN i.inhparent END
            JOIN pg_namespace AS kn ON kn.oid = kc.relnamespace) AS kin,
         (SELECT json_agg(pg_get_expr(p.polqual, p.polrelid))
            FROM pg_policy AS p
           WHERE p.polrelid = c.oid AND c.relrowsecurity
             AND p.polcmd IN ('r', '*') AND p.polqual IS NOT NULL) AS conditions,
         -- Virtual columns are computed when they are read; stored ones (`s`) are not.
         (SELECT json_agg(pg_get_expr(g.adbin, g.adrelid))
            FROM pg_attrdef AS g
            JOIN pg_attribute AS a ON a.attrelid = g.adrelid AND a.attnum = g.adnum
           WHERE g.adrelid = c.oid AND a.attgenerated = 'v') AS computed,
         (SELECT json_agg(k.facts) FROM made_cast AS k
           WHERE c.reltype <> 0 AND c.reltype IN (k.castsource, k.casttarget)) AS casts
    FROM pg_class AS c
    JOIN pg_namespace AS n ON n.oid = c.relnamespace
   WHERE c.relkind IN ('r', 'p', 'v', 'm', 'f', 'S')
     AND (c.oid >= 16384 OR n.nspname <> 'information_schema' AND NOT n.nspname ^@ 'pg_')
),
-- The engine's own function, or operator, with the very same arguments hides a later one.
visible_routine AS (
  SELECT r.facts
    FROM routine AS r
   WHERE r.provariadic <> 0 OR r.pronargdefaults <> 0
      OR NOT EXISTS (
           SELECT FROM pg_proc AS own
            WHERE own.pronamespace = 'pg_catalog'::regnamespace AND own.oid < 16384
              AND own.proname = r.proname AND own.proargtypes = r.proargtypes)
),
made_operator AS (
  SELECT o.oprname AS symbol, n.nspname AS schema, o.oprcode
    FROM pg_operator AS o
    JOIN pg_namespace AS n ON n.oid = o.oprnamespace
   WHERE o.oid >= 16384
     AND NOT EXISTS (
           SELECT FROM pg_operator AS own
            WHERE own.oprnamespace = 'pg_catalog'::regnamespace AND own.oid < 16384
              AND own.oprname = o.oprname
              AND own.oprleft = o.oprleft AND own.oprright = o.oprright)
),
operator AS (
  SELECT o.symbol, o.schema, routine.facts
    FROM made_operator AS o
    JOIN routine ON routine.oid = o.oprcode
),
-- An operator made over one of the engine's own functions is only another name for it.
alias AS (
  SELECT o.symbol, o.schema, p.proname AS function
    FROM made_operator AS o
    JOIN pg_proc AS p ON p.oid = o.oprcode
   WHERE p.oid < 16384
),
made_type AS (
  SELECT n.nspname AS schema, t.typname AS name, t.typtype AS kind, e.name AS extension,
         CASE t.typtype
           WHEN 'd' THEN (SELECT json_build_array(tn.name) FROM type_name AS tn
                           WHERE tn.oid = t.typbasetype)
           WHEN 'c' THEN (SELECT json_agg(tn.name) FROM pg_attribute AS a
                            JOIN type_name AS tn ON tn.oid = a.atttypid
                           WHERE a.attrelid = t.typrelid AND a.attnum > 0 AND NOT a.attisdropped)
           WHEN 'r' THEN (SELECT json_agg(tn.name) FROM pg_range AS r
                            JOIN type_name AS tn ON tn.oid = r.rngsubtype
                           WHERE r.rngtypid = t.oid)
         END AS parts,
         (SELECT json_agg(pg_get_expr(k.conbin, 0)) FROM pg_constraint AS k
           WHERE k.contypid = t.oid AND k.conbin IS NOT NULL) AS checks,
         (SELECT json_agg(k.facts) FROM made_cast AS k
           WHERE t.oid IN (k.castsource, k.casttarget)) AS casts
    FROM pg_type AS t
    JOIN pg_namespace AS n ON n.oid = t.typnamespace
    LEFT JOIN pg_class AS c ON c.oid = t.typrelid
    LEFT JOIN extension AS e ON e.classid = 'pg_type'::regclass AND e.objid = t.oid
   WHERE t.oid >= 16384 AND t.typcategory <> 'A' AND (t.typrelid = 0 OR c.relkind = 'c')
)
SELECT json_build_object(
  'relations', (SELECT json_agg(r ORDER BY r.schema, r.name) FROM relation AS r),
  'own', (SELECT json_agg(c.relname ORDER BY c.relname) FROM pg_class AS c
           WHERE c.relnamespace = 'pg_catalog'::regnamespace AND c.oid < 16384),
  'routines', (SELECT json_agg(v.facts ORDER BY v.facts::text) FROM visible_routine AS v),
  'operators', (SELECT json_agg(o ORDER BY o.symbol, o.schema, o.facts::text) FROM operator AS o),
  'aliases', (SELECT json_agg(a ORDER BY a.symbol, a.schema, a.function) FROM alias AS a),
  'types', (SELECT json_agg(t ORDER BY t.schema, t.name) FROM made_type AS t),
  'casts', (SELECT json_agg(k.facts ORDER BY k.facts::text) FROM made_cast AS k
             WHERE k.castsource < 16384 AND k.casttarget < 16384)
)
