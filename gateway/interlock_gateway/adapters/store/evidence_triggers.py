"""What the database refuses about evidence: nothing of it goes without a tombstone.

A tombstone opens exactly what it names: its own part or artifact may be deleted, and the copy in
a frozen row may become empty. Everything else of such a row stays frozen.
"""

from dataclasses import dataclass

from interlock_gateway.adapters.store.triggers import ASKED, legal

_COVERED = (
    "EXISTS (SELECT 1 FROM tombstones WHERE {found}(covers, '|{table}/' || {key} || '|') > 0)"
)
"""When a tombstone names a row; `found` is the engine's word for looking for a text."""


@dataclass(frozen=True, slots=True)
class _Opening:
    """A frozen row that may lose a copy, and nothing else, where a tombstone covers it.

    Attributes:
        table: where it stands.
        key: what names the row, after the table and a slash in `tombstones.covers`.
        emptied: the columns that hold copies.
        empty: what stands there afterwards.
        kept: every other column.
        when: when the row is frozen; "" for always.
        words: what the refusal says.
    """

    table: str
    key: tuple[str, ...]
    emptied: tuple[str, ...]
    kept: tuple[str, ...]
    words: str
    empty: str = "''"
    when: str = ""

    def refuses(self, same: str, found: str) -> str:
        """Return when a change is refused, in the words of an engine."""
        rows = [
            "(" + ", ".join(f'{side}."{name}"' for name in self.kept) + ")"
            for side in ("OLD", "NEW")
        ]
        emptied = " AND ".join(
            f"(NEW.{name} = OLD.{name} OR NEW.{name} = {self.empty})" for name in self.emptied
        )
        key = " || '/' || ".join(f"OLD.{name}" for name in self.key)
        covered = _COVERED.format(found=found, table=self.table, key=key)
        allowed = f"({rows[0]} {same} {rows[1]} AND {emptied} AND {covered})"
        return f"{self.when + ' AND ' if self.when else ''}NOT {allowed}"


def _openings(blob: str) -> tuple[_Opening, ...]:
    digests = ("proposal_digest", "prompt_digest", "at")
    return (
        _Opening(
            *("votes", ("approval", "person"), ("reason",)),
            kept=("approval", "person", "vote", *digests, "confirmed_in"),
            words="votes are append-only",
        ),
        _Opening(
            *("breaks", ("approval",), ("reason",)),
            kept=("approval", "person", *digests),
            words="breaks are append-only",
        ),
        _Opening(
            *("deeds", ("approval",), ("undo",)),
            kept=(
                *("approval", "target", "begun_at", "transaction", "affected", "event"),
                *("prepared_at", "provable"),
            ),
            words="what a deed did is recorded once",
            empty=blob,
            when="OLD.prepared_at IS NOT NULL",
        ),
        _Opening(
            *("followups", ("id",), ("text", "answer")),
            kept=(
                *("id", "incident", "about", "concerns", "owner", "state", "event"),
                *("opened_at", "closed_at", "closed_by"),
            ),
            words="a closed follow-up stays as it is",
            when="OLD.state <> 'open'",
        ),
        _Opening(
            *("tombstones", ("part",), ("reason",)),
            kept=("part", "event", "incident", "kind", "by", "at", "covers"),
            words="tombstones are append-only",
        ),
    )


_BURIED = "EXISTS (SELECT 1 FROM tombstones WHERE part = OLD.id)"
_NOBODY = (
    "NOT EXISTS (SELECT 1 FROM parts WHERE id = NEW.part) "
    "AND NOT EXISTS (SELECT 1 FROM artifacts WHERE id = NEW.part)"
)
_PLANNED = (
    "OLD.plan <> '' AND ((OLD.plan, OLD.place, OLD.digest) {other} (NEW.plan, NEW.place, "
    "NEW.digest) OR NEW.wish <> OLD.wish AND NOT (NEW.wish = '' AND {covered})) "
    "OR OLD.plan = '' AND NEW.plan <> ''"
)
_PLAN_WORDS = "what a plan holds is never changed"
_ASKED_WORDS = "what an approval asks is never changed"


def _approval(found: str) -> str:
    return _COVERED.format(found=found, table="approvals", key="OLD.id")


def _asked(other: str, found: str) -> str:
    """Return when a change touches what an approval asks; its key alone may become empty."""
    names = [name for name in ASKED if name != "idempotency_key"]
    rows = ["(" + ", ".join(f"{side}.{name}" for name in names) + ")" for side in ("OLD", "NEW")]
    return (
        f"({rows[0]} {other} {rows[1]} OR NEW.idempotency_key <> OLD.idempotency_key "
        f"AND NOT (NEW.idempotency_key = '' AND {_approval(found)}))"
    )


def statements(dialect: str) -> list[str]:
    """Return the DDL for `sqlite` or `postgresql`; it replaces triggers of earlier revisions."""
    return _sqlite() if dialect == "sqlite" else _postgresql()


def _sqlite() -> list[str]:
    out = [
        f"DROP TRIGGER {name}"
        for name in (
            *("votes_refuse_update", "breaks_refuse_update", "deeds_prepared_once"),
            *("followups_closed", "approvals_keep_their_plan", "approvals_asked"),
        )
    ]
    out += [
        _sqlite_trigger(
            f"{one.table}_erase", "UPDATE", one.table, one.refuses("IS", "instr"), one.words
        )
        for one in _openings("x''")
    ]
    for table in ("parts", "artifacts"):
        words = f"{table} are deleted with a tombstone only"
        out.append(_sqlite_trigger(f"{table}_bury", "DELETE", table, f"NOT {_BURIED}", words))
    plan = _PLANNED.format(other="IS NOT", covered=_approval("instr"))
    return [
        *out,
        _sqlite_trigger(
            "artifacts_refuse_update", "UPDATE", "artifacts", "1", "artifacts are append-only"
        ),
        _sqlite_trigger(
            "tombstones_refuse_delete", "DELETE", "tombstones", "1", "tombstones are append-only"
        ),
        _sqlite_trigger(
            "tombstones_birth", "INSERT", "tombstones", _NOBODY, "a tombstone is for what is there"
        ),
        _sqlite_trigger("approvals_keep_their_plan", "UPDATE", "approvals", plan, _PLAN_WORDS),
        _sqlite_trigger(
            *("approvals_asked", "UPDATE", "approvals", _asked("IS NOT", "instr"), _ASKED_WORDS)
        ),
    ]


def _sqlite_trigger(name: str, verb: str, table: str, when: str, words: str) -> str:
    return (
        f"CREATE TRIGGER {name} BEFORE {verb} ON {table} WHEN {when} BEGIN "
        f"SELECT RAISE(ABORT, '{words}'); END"
    )


def _postgresql() -> list[str]:
    plan = _PLANNED.format(other="IS DISTINCT FROM", covered=_approval("strpos"))
    frozen = ("votes", "breaks")
    out = [
        *(f"DROP TRIGGER {table}_refuse ON {table}" for table in frozen),
        "DROP TRIGGER deeds_prepared_once ON deeds",
        "DROP TRIGGER followups_closed ON followups",
        *(_refusing(f"{table}_refuse", "DELETE", table) for table in (*frozen, "tombstones")),
        _refusing("artifacts_refuse", "UPDATE", "artifacts"),
        *(
            f"CREATE TRIGGER {table}_refuse_truncate BEFORE TRUNCATE ON {table} "
            "FOR EACH STATEMENT EXECUTE FUNCTION interlock_refuse()"
            for table in ("artifacts", "tombstones")
        ),
    ]
    for one in _openings(r"'\x'::bytea"):
        when = one.refuses("IS NOT DISTINCT FROM", "strpos")
        out += _raising(f"{one.table}_erase", "UPDATE", one.table, when, one.words)
    for table in ("parts", "artifacts"):
        words = f"{table} are deleted with a tombstone only"
        out += _raising(f"{table}_bury", "DELETE", table, f"NOT {_BURIED}", words)
    words = "a tombstone is for what is there"
    out += _raising("tombstones_birth", "INSERT", "tombstones", _NOBODY, words)
    return [*out, _plan_function(plan), _step_function()]


def _refusing(name: str, verb: str, table: str) -> str:
    return (
        f"CREATE TRIGGER {name} BEFORE {verb} ON {table} "
        "FOR EACH ROW EXECUTE FUNCTION interlock_refuse()"
    )


def _raising(name: str, verb: str, table: str, when: str, words: str) -> list[str]:
    back = "OLD" if verb == "DELETE" else "NEW"
    return [
        (
            f"CREATE FUNCTION interlock_{name}() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN "
            f"IF {when} THEN RAISE EXCEPTION '{words}'; END IF; RETURN {back}; END $$"
        ),
        (
            f"CREATE TRIGGER {name} BEFORE {verb} ON {table} "
            f"FOR EACH ROW EXECUTE FUNCTION interlock_{name}()"
        ),
    ]


def _plan_function(changed: str) -> str:
    no_place = (
        "NEW.plan <> '' AND NOT EXISTS (SELECT 1 FROM plans WHERE plans.id = NEW.plan "
        "AND plans.run = NEW.run AND NEW.place BETWEEN 1 AND plans.size)"
    )
    return (
        "CREATE OR REPLACE FUNCTION interlock_plan() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN "
        f"IF TG_OP = 'INSERT' THEN IF {no_place} THEN "
        "RAISE EXCEPTION 'this plan has no such place'; END IF; "
        f"ELSIF {changed} THEN RAISE EXCEPTION '{_PLAN_WORDS}'; "
        "END IF; RETURN NEW; END $$"
    )


def _step_function() -> str:
    return (
        "CREATE OR REPLACE FUNCTION interlock_approval_step() RETURNS trigger LANGUAGE plpgsql "
        "AS $$ BEGIN IF TG_OP = 'INSERT' THEN IF NEW.state <> 'pending' THEN "
        "RAISE EXCEPTION 'approvals start pending'; END IF; "
        f"ELSIF NOT ({legal('OLD.state', 'NEW.state')}) THEN "
        "RAISE EXCEPTION 'illegal approval step'; "
        f"ELSIF {_asked('IS DISTINCT FROM', 'strpos')} THEN RAISE EXCEPTION '{_ASKED_WORDS}'; "
        "END IF; RETURN NEW; END $$"
    )
