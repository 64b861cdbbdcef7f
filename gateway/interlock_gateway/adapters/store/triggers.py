"""Rules that the database itself enforces, so that no code path of ours can break them."""

from interlock_gateway.core.approval import TRANSITIONS

FROZEN = {
    "events": ("UPDATE", "DELETE"),
    "votes": ("UPDATE", "DELETE"),
    "parts": ("UPDATE",),
}
"""Tables whose rows may not be changed, and by which statements."""


ASKED = (
    *("id", "incident", "run", "step", "attempt", "ordinal", "requester", "target"),
    *("operation", "effect", "rule", "line", "idempotency_key", "requested_at", "expires_at"),
    "event",
)
"""Columns that say what an approval asks; they are never changed."""


def _row(side: str) -> str:
    return "(" + ", ".join(f"{side}.{column}" for column in ASKED) + ")"


def legal(old: str, new: str) -> str:
    """Return when a step from one state of an approval to another is legal, as SQL."""
    steps = " OR ".join(
        f"({old} = '{source.value}' AND {new} = '{goal.value}')"
        for source, goals in sorted(TRANSITIONS.items())
        for goal in sorted(goals)
    )
    return f"{old} = {new} OR {steps}"


def statements(dialect: str) -> list[str]:
    """Return the DDL of every trigger for `sqlite` or `postgresql`."""
    return _sqlite() if dialect == "sqlite" else _postgresql()


def deeds(dialect: str) -> list[str]:
    """Return the DDL of the triggers about deeds, which came with the table of that name."""
    return _SQLITE_DEEDS if dialect == "sqlite" else _POSTGRESQL_DEEDS


def plans(dialect: str) -> list[str]:
    """Return the DDL of the triggers about plans, which came with the table of that name."""
    return _SQLITE_PLANS if dialect == "sqlite" else _POSTGRESQL_PLANS


_OTHERS = (
    "EXISTS (SELECT 1 FROM approvals WHERE target = NEW.target AND state = 'executing' "
    "AND id <> NEW.id)"
)
_SQLITE_DEEDS = [
    (
        "CREATE TRIGGER approvals_one_at_a_time BEFORE UPDATE OF state ON approvals "
        f"WHEN NEW.state = 'executing' AND OLD.state <> 'executing' AND {_OTHERS} BEGIN "
        "SELECT RAISE(ABORT, 'another action is under way on this target'); END"
    ),
    (
        "CREATE TRIGGER deeds_prepared_once BEFORE UPDATE ON deeds "
        "WHEN OLD.prepared_at IS NOT NULL BEGIN "
        "SELECT RAISE(ABORT, 'what a deed did is recorded once'); END"
    ),
    (
        "CREATE TRIGGER deeds_refuse_delete BEFORE DELETE ON deeds BEGIN "
        "SELECT RAISE(ABORT, 'deeds are kept'); END"
    ),
]
_POSTGRESQL_DEEDS = [
    (
        "CREATE FUNCTION interlock_one_at_a_time() RETURNS trigger LANGUAGE plpgsql AS $$ "
        f"BEGIN IF NEW.state = 'executing' AND OLD.state <> 'executing' AND {_OTHERS} THEN "
        "RAISE EXCEPTION 'another action is under way on this target'; "
        "END IF; RETURN NEW; END $$"
    ),
    (
        "CREATE TRIGGER approvals_one_at_a_time BEFORE UPDATE ON approvals "
        "FOR EACH ROW EXECUTE FUNCTION interlock_one_at_a_time()"
    ),
    (
        "CREATE FUNCTION interlock_prepared_once() RETURNS trigger LANGUAGE plpgsql AS $$ "
        "BEGIN IF OLD.prepared_at IS NOT NULL THEN "
        "RAISE EXCEPTION 'what a deed did is recorded once'; "
        "END IF; RETURN NEW; END $$"
    ),
    (
        "CREATE TRIGGER deeds_prepared_once BEFORE UPDATE ON deeds "
        "FOR EACH ROW EXECUTE FUNCTION interlock_prepared_once()"
    ),
    (
        "CREATE TRIGGER deeds_refuse BEFORE DELETE ON deeds "
        "FOR EACH ROW EXECUTE FUNCTION interlock_refuse()"
    ),
    (
        "CREATE TRIGGER deeds_refuse_truncate BEFORE TRUNCATE ON deeds "
        "FOR EACH STATEMENT EXECUTE FUNCTION interlock_refuse()"
    ),
]


_MOVED = (
    "(OLD.plan, OLD.place, OLD.wish, OLD.digest)",
    "(NEW.plan, NEW.place, NEW.wish, NEW.digest)",
)
_NO_PLACE = (
    "NEW.plan <> '' AND NOT EXISTS (SELECT 1 FROM plans WHERE plans.id = NEW.plan "
    "AND plans.run = NEW.run AND NEW.place BETWEEN 1 AND plans.size)"
)
_SQLITE_PLANS = [
    (
        "CREATE TRIGGER approvals_keep_their_plan BEFORE UPDATE ON approvals "
        f"WHEN OLD.plan <> '' AND {_MOVED[0]} IS NOT {_MOVED[1]} "
        "OR OLD.plan = '' AND NEW.plan <> '' BEGIN "
        "SELECT RAISE(ABORT, 'what a plan holds is never changed'); END"
    ),
    (
        f"CREATE TRIGGER approvals_place BEFORE INSERT ON approvals WHEN {_NO_PLACE} BEGIN "
        "SELECT RAISE(ABORT, 'this plan has no such place'); END"
    ),
    *(
        f"CREATE TRIGGER plans_refuse_{verb.lower()} BEFORE {verb} ON plans BEGIN "
        "SELECT RAISE(ABORT, 'plans are append-only'); END"
        for verb in ("UPDATE", "DELETE")
    ),
]
_POSTGRESQL_PLANS = [
    (
        "CREATE FUNCTION interlock_plan() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN "
        f"IF TG_OP = 'INSERT' THEN IF {_NO_PLACE} THEN "
        "RAISE EXCEPTION 'this plan has no such place'; END IF; "
        f"ELSIF OLD.plan <> '' AND {_MOVED[0]} IS DISTINCT FROM {_MOVED[1]} "
        "OR OLD.plan = '' AND NEW.plan <> '' THEN "
        "RAISE EXCEPTION 'what a plan holds is never changed'; "
        "END IF; RETURN NEW; END $$"
    ),
    (
        "CREATE TRIGGER approvals_plan BEFORE INSERT OR UPDATE ON approvals "
        "FOR EACH ROW EXECUTE FUNCTION interlock_plan()"
    ),
    (
        "CREATE TRIGGER plans_refuse BEFORE UPDATE OR DELETE ON plans "
        "FOR EACH ROW EXECUTE FUNCTION interlock_refuse()"
    ),
    (
        "CREATE TRIGGER plans_refuse_truncate BEFORE TRUNCATE ON plans "
        "FOR EACH STATEMENT EXECUTE FUNCTION interlock_refuse()"
    ),
]


def breaks(dialect: str) -> list[str]:
    """Return the DDL of the triggers about broken glass, which came with its tables."""
    return _SQLITE_BREAKS if dialect == "sqlite" else _POSTGRESQL_BREAKS


_BROKEN = (
    "NEW.broken_by <> OLD.broken_by AND NOT (OLD.broken_by = '' AND OLD.state = 'pending' "
    "AND NEW.state = 'approved' AND EXISTS (SELECT 1 FROM breaks "
    "WHERE approval = NEW.id AND person = NEW.broken_by))"
)
_SQLITE_BREAKS = [
    *(
        f"CREATE TRIGGER breaks_refuse_{verb.lower()} BEFORE {verb} ON breaks BEGIN "
        "SELECT RAISE(ABORT, 'breaks are append-only'); END"
        for verb in ("UPDATE", "DELETE")
    ),
    (
        f"CREATE TRIGGER approvals_broken BEFORE UPDATE OF broken_by ON approvals WHEN {_BROKEN} "
        "BEGIN SELECT RAISE(ABORT, 'a glass is broken once, on a request that waits'); END"
    ),
    (
        "CREATE TRIGGER followups_closed BEFORE UPDATE ON followups WHEN OLD.state <> 'open' "
        "BEGIN SELECT RAISE(ABORT, 'a closed follow-up stays as it is'); END"
    ),
    (
        "CREATE TRIGGER followups_refuse_delete BEFORE DELETE ON followups BEGIN "
        "SELECT RAISE(ABORT, 'follow-ups are kept'); END"
    ),
]
_POSTGRESQL_BREAKS = [
    (
        "CREATE TRIGGER breaks_refuse BEFORE UPDATE OR DELETE ON breaks "
        "FOR EACH ROW EXECUTE FUNCTION interlock_refuse()"
    ),
    (
        "CREATE TRIGGER breaks_refuse_truncate BEFORE TRUNCATE ON breaks "
        "FOR EACH STATEMENT EXECUTE FUNCTION interlock_refuse()"
    ),
    (
        "CREATE FUNCTION interlock_broken() RETURNS trigger LANGUAGE plpgsql AS $$ "
        f"BEGIN IF {_BROKEN} THEN "
        "RAISE EXCEPTION 'a glass is broken once, on a request that waits'; "
        "END IF; RETURN NEW; END $$"
    ),
    (
        "CREATE TRIGGER approvals_broken BEFORE UPDATE ON approvals "
        "FOR EACH ROW EXECUTE FUNCTION interlock_broken()"
    ),
    (
        "CREATE FUNCTION interlock_followup() RETURNS trigger LANGUAGE plpgsql AS $$ "
        "BEGIN IF OLD.state <> 'open' THEN "
        "RAISE EXCEPTION 'a closed follow-up stays as it is'; "
        "END IF; RETURN NEW; END $$"
    ),
    (
        "CREATE TRIGGER followups_closed BEFORE UPDATE ON followups "
        "FOR EACH ROW EXECUTE FUNCTION interlock_followup()"
    ),
    (
        "CREATE TRIGGER followups_refuse BEFORE DELETE ON followups "
        "FOR EACH ROW EXECUTE FUNCTION interlock_refuse()"
    ),
    (
        "CREATE TRIGGER followups_refuse_truncate BEFORE TRUNCATE ON followups "
        "FOR EACH STATEMENT EXECUTE FUNCTION interlock_refuse()"
    ),
]


def drills(dialect: str) -> list[str]:
    """Return the DDL of the trigger that keeps a drill a drill, and every other incident none."""
    return _SQLITE_DRILLS if dialect == "sqlite" else _POSTGRESQL_DRILLS


_SQLITE_DRILLS = [
    (
        "CREATE TRIGGER incidents_drill BEFORE UPDATE OF drill ON incidents "
        "WHEN NEW.drill <> OLD.drill BEGIN "
        "SELECT RAISE(ABORT, 'a drill stays a drill'); END"
    ),
]
_POSTGRESQL_DRILLS = [
    (
        "CREATE FUNCTION interlock_drill() RETURNS trigger LANGUAGE plpgsql AS $$ "
        "BEGIN IF NEW.drill <> OLD.drill THEN RAISE EXCEPTION 'a drill stays a drill'; "
        "END IF; RETURN NEW; END $$"
    ),
    (
        "CREATE TRIGGER incidents_drill BEFORE UPDATE ON incidents "
        "FOR EACH ROW EXECUTE FUNCTION interlock_drill()"
    ),
]


def _sqlite() -> list[str]:
    frozen = [
        f"CREATE TRIGGER {table}_refuse_{verb.lower()} BEFORE {verb} ON {table} BEGIN "
        f"SELECT RAISE(ABORT, '{table} are append-only'); END"
        for table, verbs in FROZEN.items()
        for verb in verbs
    ]
    steps = legal("OLD.state", "NEW.state")
    return [
        *frozen,
        (
            "CREATE TRIGGER approvals_step BEFORE UPDATE OF state ON approvals "
            f"WHEN NOT ({steps}) BEGIN SELECT RAISE(ABORT, 'illegal approval step'); END"
        ),
        (
            "CREATE TRIGGER approvals_birth BEFORE INSERT ON approvals "
            "WHEN NEW.state <> 'pending' BEGIN SELECT RAISE(ABORT, 'approvals start pending'); END"
        ),
        (
            f"CREATE TRIGGER approvals_asked BEFORE UPDATE ON approvals "
            f"WHEN {_row('OLD')} IS NOT {_row('NEW')} BEGIN "
            "SELECT RAISE(ABORT, 'what an approval asks is never changed'); END"
        ),
        (
            "CREATE TRIGGER approvals_refuse_delete BEFORE DELETE ON approvals BEGIN "
            "SELECT RAISE(ABORT, 'approvals are kept'); END"
        ),
    ]


def _postgresql() -> list[str]:
    out = [
        (
            "CREATE FUNCTION interlock_refuse() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN "
            "RAISE EXCEPTION '% are append-only', TG_TABLE_NAME; END $$"
        ),
        (
            "CREATE FUNCTION interlock_approval_step() RETURNS trigger LANGUAGE plpgsql AS $$ "
            "BEGIN IF TG_OP = 'INSERT' THEN IF NEW.state <> 'pending' THEN "
            "RAISE EXCEPTION 'approvals start pending'; END IF; "
            f"ELSIF NOT ({legal('OLD.state', 'NEW.state')}) THEN "
            "RAISE EXCEPTION 'illegal approval step'; "
            f"ELSIF {_row('OLD')} IS DISTINCT FROM {_row('NEW')} THEN "
            "RAISE EXCEPTION 'what an approval asks is never changed'; "
            "END IF; RETURN NEW; END $$"
        ),
        (
            "CREATE TRIGGER approvals_step BEFORE INSERT OR UPDATE ON approvals "
            "FOR EACH ROW EXECUTE FUNCTION interlock_approval_step()"
        ),
    ]
    for table, verbs in {**FROZEN, "approvals": ("DELETE",)}.items():
        out.append(
            f"CREATE TRIGGER {table}_refuse BEFORE {' OR '.join(verbs)} ON {table} "
            "FOR EACH ROW EXECUTE FUNCTION interlock_refuse()"
        )
        out.append(
            f"CREATE TRIGGER {table}_refuse_truncate BEFORE TRUNCATE ON {table} "
            "FOR EACH STATEMENT EXECUTE FUNCTION interlock_refuse()"
        )
    return out
