-- What a login owns and which rights to change something it holds: postgres.py reads it.
-- Each row is right, kind, name (as an array) and who holds the right: the login itself, a role
-- that it is a member of, or PUBLIC. `OWNER` stands for all rights at once; an attribute of the
-- login has no name.
-- 16384 is FirstNormalObjectId (transam.h): what initdb makes has a lower oid.
WITH RECURSIVE mine(oid) AS (
  SELECT oid FROM pg_catalog.pg_roles WHERE rolname = current_user
  UNION
  SELECT m.roleid FROM pg_catalog.pg_auth_members AS m JOIN mine ON mine.oid = m.member
),
schema AS (
  SELECT * FROM pg_catalog.pg_namespace
   WHERE nspname !~ '^pg_' AND nspname <> 'information_schema'
),
thing(kind, name, owner, acl) AS (
  SELECT 'DATABASE', ARRAY[datname::text], datdba,
         coalesce(datacl, pg_catalog.acldefault('d', datdba))
    FROM pg_catalog.pg_database WHERE datname = pg_catalog.current_database()
  UNION ALL
  SELECT 'SCHEMA', ARRAY[nspname::text], nspowner,
         coalesce(nspacl, pg_catalog.acldefault('n', nspowner))
    FROM schema
  UNION ALL
  SELECT CASE c.relkind WHEN 'S' THEN 'SEQUENCE' ELSE 'TABLE' END,
         ARRAY[s.nspname::text, c.relname::text], c.relowner, c.relacl
    FROM pg_catalog.pg_class AS c JOIN schema AS s ON s.oid = c.relnamespace
   WHERE c.relkind IN ('r', 'p', 'v', 'm', 'f', 'S')
  UNION ALL
  SELECT 'COLUMN', ARRAY[s.nspname::text, c.relname::text, a.attname::text], c.relowner, a.attacl
    FROM pg_catalog.pg_attribute AS a
    JOIN pg_catalog.pg_class AS c ON c.oid = a.attrelid
    JOIN schema AS s ON s.oid = c.relnamespace
   WHERE a.attacl IS NOT NULL
  UNION ALL
  SELECT 'FUNCTION', ARRAY[s.nspname::text, p.proname::text], p.proowner, NULL
    FROM pg_catalog.pg_proc AS p JOIN schema AS s ON s.oid = p.pronamespace
   WHERE p.oid >= 16384
)
SELECT 'OWNER', kind, pg_catalog.to_json(name), pg_catalog.pg_get_userbyid(owner)
  FROM thing WHERE owner IN (SELECT oid FROM mine) AND kind <> 'COLUMN'
UNION ALL
SELECT a.word, 'ATTRIBUTE', pg_catalog.to_json(ARRAY[]::text[]), r.rolname
  FROM pg_catalog.pg_roles AS r, (VALUES ('CREATEDB'), ('CREATEROLE')) AS a(word)
 WHERE r.rolname = current_user
   AND CASE a.word WHEN 'CREATEDB' THEN r.rolcreatedb ELSE r.rolcreaterole END
UNION ALL
SELECT a.privilege_type, kind, pg_catalog.to_json(name),
       CASE a.grantee WHEN 0 THEN 'PUBLIC' ELSE pg_catalog.pg_get_userbyid(a.grantee) END
  FROM thing, pg_catalog.aclexplode(acl) AS a
 WHERE owner NOT IN (SELECT oid FROM mine)
   AND (a.grantee = 0 OR a.grantee IN (SELECT oid FROM mine))
   AND (a.privilege_type IN ('CREATE', 'TEMPORARY', 'INSERT', 'UPDATE', 'DELETE', 'TRUNCATE',
                             'REFERENCES', 'TRIGGER', 'MAINTAIN')
        OR (kind = 'SEQUENCE' AND a.privilege_type = 'USAGE'))
