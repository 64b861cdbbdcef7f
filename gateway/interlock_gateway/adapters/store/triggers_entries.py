"""What the database itself refuses about people's own entries, whoever asks."""

_ENDED = "a hypothesis that has ended stays as it is"


def entries(dialect: str) -> list[str]:
    """Return the DDL: versions of views never change, and what has ended stays ended."""
    return _SQLITE if dialect == "sqlite" else _POSTGRESQL


_KEPT = ("hypotheses", "questions", "pins", "views")
_SQLITE = [
    *(
        f"CREATE TRIGGER {table}_refuse_delete BEFORE DELETE ON {table} BEGIN "
        f"SELECT RAISE(ABORT, '{table} are kept'); END"
        for table in _KEPT
    ),
    (
        "CREATE TRIGGER views_refuse_update BEFORE UPDATE ON views BEGIN "
        "SELECT RAISE(ABORT, 'a version of a view never changes'); END"
    ),
    (
        "CREATE TRIGGER hypotheses_ended BEFORE UPDATE ON hypotheses WHEN OLD.state <> 'open' "
        f"BEGIN SELECT RAISE(ABORT, '{_ENDED}'); END"
    ),
]
_POSTGRESQL = [
    *(
        f"CREATE TRIGGER {table}_refuse BEFORE DELETE ON {table} "
        "FOR EACH ROW EXECUTE FUNCTION interlock_refuse()"
        for table in _KEPT
    ),
    *(
        f"CREATE TRIGGER {table}_refuse_truncate BEFORE TRUNCATE ON {table} "
        "FOR EACH STATEMENT EXECUTE FUNCTION interlock_refuse()"
        for table in _KEPT
    ),
    (
        "CREATE TRIGGER views_refuse_update BEFORE UPDATE ON views "
        "FOR EACH ROW EXECUTE FUNCTION interlock_refuse()"
    ),
    (
        "CREATE FUNCTION interlock_hypothesis() RETURNS trigger LANGUAGE plpgsql AS $$ "
        f"BEGIN IF OLD.state <> 'open' THEN RAISE EXCEPTION '{_ENDED}'; "
        "END IF; RETURN NEW; END $$"
    ),
    (
        "CREATE TRIGGER hypotheses_ended BEFORE UPDATE ON hypotheses "
        "FOR EACH ROW EXECUTE FUNCTION interlock_hypothesis()"
    ),
]
