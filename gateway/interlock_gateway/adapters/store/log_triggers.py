"""What the database itself enforces of the log's own rows: they are added to, never taken back."""

_TABLES = ("checkpoints", "log_keys", "log_nodes", "anchorings")
_SHRUNK = "NEW.size < OLD.size OR OLD.origin <> '' AND NEW.origin <> OLD.origin"
_SHRINKS = "a log only grows"


def statements(dialect: str) -> list[str]:
    """Return the DDL of every trigger for `sqlite` or `postgresql`."""
    return _sqlite() if dialect == "sqlite" else _postgresql()


def _sqlite() -> list[str]:
    refusing = [
        f"CREATE TRIGGER {table}_refuse_{verb.lower()} BEFORE {verb} ON {table} BEGIN "
        f"SELECT RAISE(ABORT, '{table} are append-only'); END"
        for table in _TABLES
        for verb in ("UPDATE", "DELETE")
    ]
    shrinks = f"SELECT RAISE(ABORT, '{_SHRINKS}'); END"
    return [
        *refusing,
        f"CREATE TRIGGER log_grows BEFORE UPDATE ON log WHEN {_SHRUNK} BEGIN {shrinks}",
        f"CREATE TRIGGER log_stays BEFORE DELETE ON log BEGIN {shrinks}",
    ]


def _postgresql() -> list[str]:
    refuse = "EXECUTE FUNCTION interlock_refuse()"
    refusing = [
        f"CREATE TRIGGER {table}_refuse{how} BEFORE {verbs} ON {table} FOR EACH {each} {refuse}"
        for table in _TABLES
        for how, verbs, each in (
            ("", "UPDATE OR DELETE", "ROW"),
            ("_truncate", "TRUNCATE", "STATEMENT"),
        )
    ]
    body = f"BEGIN IF {_SHRUNK} THEN RAISE EXCEPTION '{_SHRINKS}'; END IF; RETURN NEW; END"
    grows = "FOR EACH ROW EXECUTE FUNCTION interlock_log()"
    return [
        *refusing,
        f"CREATE FUNCTION interlock_log() RETURNS trigger LANGUAGE plpgsql AS $$ {body} $$",
        f"CREATE TRIGGER log_grows BEFORE UPDATE ON log {grows}",
        f"CREATE TRIGGER log_stays BEFORE DELETE ON log FOR EACH ROW {refuse}",
        f"CREATE TRIGGER log_stays_whole BEFORE TRUNCATE ON log FOR EACH STATEMENT {refuse}",
    ]
