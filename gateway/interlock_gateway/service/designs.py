"""How a wish would be carried out: what is sent, judged, shown before and asked after.

Every statement beside the mutation itself must be a proven read: preview, precheck and verify.
"""

from dataclasses import dataclass
from typing import Any

from interlock import wire
from interlock.errors import InterlockError, refusal

from interlock_gateway.core.action import ROW_COUNT, Action
from interlock_gateway.core.approval_rule import ApprovalRule
from interlock_gateway.core.decision import Act, Mutate, Operation
from interlock_gateway.core.model import Effect, Rows, Statement, Target
from interlock_gateway.core.statement import StatementError, shown_rows, with_names
from interlock_gateway.service.ports import Guard
from interlock_gateway.service.targets import Expect
from interlock_gateway.service.wishes import Wish


@dataclass(frozen=True, slots=True)
class Check:
    """A read and what its answer must look like, asked again for up to `within_s` seconds."""

    statement: Statement
    expect: str
    within_s: float = 0.0

    def as_json(self) -> dict[str, Any]:
        """Return it as a proposal holds it: texts and integers alone."""
        return {
            "text": self.statement.text,
            "names": list(self.statement.names),
            "expect": self.expect,
            "within_ms": round(self.within_s * 1000),
        }


@dataclass(frozen=True, slots=True)
class Design:
    """How a wish would be carried out.

    Attributes:
        statement, effect: the mutation, and its effect class.
        expect, max_rows: the only result under which it may stand.
        count: a read whose first cell is the number of rows that would change.
        rows: the number of rows, where the statement itself says it.
        sample: a read of what would change, shown to approvers.
        image: a read of every row that would change, for the moment before it does.
        note: what approvers are told when there is nothing to read.
        precheck, verify: what must hold just before, and soon after.
        blast_radius, undo: for approvers, in words.
        key: the same whenever the same thing is asked for again.
        action_digest: of the action's file; "" for free SQL.
    """

    statement: Statement
    effect: Effect
    expect: Expect
    max_rows: int
    blast_radius: str
    undo: str
    key: str
    count: Statement | None = None
    rows: int = 0
    sample: Statement | None = None
    image: Statement | None = None
    note: str = ""
    precheck: Check | None = None
    verify: Check | None = None
    action_digest: str = ""


class Designer:
    """Works out designs with the SQL guard."""

    def __init__(self, guard: Guard) -> None:
        self._guard = guard

    async def operation(
        self, wish: Wish, action: Action | None, target: Target | None
    ) -> tuple[Statement | None, Operation]:
        """Return the mutation and what policy is asked; no statement where nothing is known."""
        if target is None:
            return None, Act(wish.operation, known=False)
        if not wish.action:
            statement = self._guard.translate(target.dialect, wish.sql)
            _same_names(statement, wish)
            return statement, Mutate(await self._guard.classify(statement), wish.max_rows)
        if action is None:
            return None, Act(wish.action, known=False)
        if problems := action.problems(wish.args):
            raise refusal("bad-arguments", " ".join(problems), line=f"actions/{action.id}.toml")
        if action.over_http:  # its requests are written once what they need was looked at
            return Statement(action.dialect, "", (), ""), Act(
                action.id, known=True, dialect=action.dialect.value
            )
        statement = self._guard.translate(action.dialect, _text_of(action, wish))
        return statement, Act(action.id, known=True, dialect=action.dialect.value)

    async def of_action(self, action: Action, wish: Wish, statement: Statement) -> Design:
        """Return the design of a catalogued action."""
        precheck, verify = action.precheck, action.verify
        return Design(
            statement=statement,
            effect=await self._effect_of(action, statement),
            expect=Expect(action.execute.expect),
            max_rows=action.max_rows,
            blast_radius=action.blast_radius,
            undo=action.undo,
            key=action.key(wish.target, wish.args),
            count=await self._read(action.dialect, action.count.sql),
            sample=await self._read(action.dialect, action.preview.sql),
            image=await self._image(action, statement),
            note=action.preview.none_needed,
            precheck=await self._check(action.dialect, precheck.sql, precheck.expect, 0),
            verify=await self._check(action.dialect, verify.sql, verify.expect, verify.within_s),
            action_digest=action.digest,
        )

    async def of_free_sql(self, wish: Wish, statement: Statement, rule: ApprovalRule) -> Design:
        """Return the design of a free mutation, or refuse one that no read can preview."""
        if wish.max_rows > rule.max_rows:
            raise refusal(
                "outside-limits",
                f"{rule.name} allows at most {rule.max_rows:,} rows; you asked {wish.max_rows:,}.",
                line=rule.place,
            )
        preview = self._guard.preview(statement)
        for read in (preview.count, preview.sample, preview.image):
            if read is not None:
                await self._must_be_read(read)
        return Design(
            statement=statement,
            effect=(await self._guard.classify(statement)).effect,
            expect=Expect.ROW_COUNT,
            max_rows=wish.max_rows,
            blast_radius=f"{preview.table}: at most {wish.max_rows:,} rows",
            undo=preview.undo,
            key=_free_key(wish, statement),
            count=preview.count,
            rows=preview.rows,
            sample=preview.sample,
            image=preview.image,
            note=preview.note,
        )

    async def at_target(self, target: Target, wish: Wish, design: Design) -> Operation:
        """Return what policy is asked about a free mutation, given what its names mean there.

        The reads that preview it must be reads there as well.
        """
        for read in (design.count, design.sample, design.image):
            if read is not None:
                _refuse_unless_read((await self._guard.classify_at(target, read)).effect)
        found = await self._guard.classify_at(target, design.statement)
        return Mutate(found, wish.max_rows)

    async def shown(self, target: Target, statement: Statement, rows: Rows) -> Rows:
        """Return the answer to a preview as approvers may see it."""
        if target.masked:
            found = await self._guard.classify_at(target, statement)
        else:
            found = await self._guard.classify(statement)
        return shown_rows(target, found, rows)

    async def _effect_of(self, action: Action, statement: Statement) -> Effect:
        """Return what the statement does, or what its reviewed file says where nobody can tell."""
        effect = (await self._guard.classify(statement)).effect
        if effect is Effect.UNKNOWN and action.effect:
            return Effect(action.effect)
        return effect

    async def _image(self, action: Action, statement: Statement) -> Statement | None:
        """Return what reads the rows of a counted action: its file's, or derived where it can."""
        if action.image.sql:
            return await self._read(action.dialect, action.image.sql)
        if action.execute.expect != ROW_COUNT:
            return None
        try:
            image = self._guard.preview(statement).image
        except InterlockError:
            return None  # it is no plain change of one table: its file shows and counts the rows
        if image is None or (await self._guard.classify(image)).effect is not Effect.READ:
            return None
        return image

    async def _check(self, dialect: str, sql: str, expect: str, within_s: float) -> Check | None:
        statement = await self._read(dialect, sql)
        return None if statement is None else Check(statement, expect, within_s)

    async def _read(self, dialect: str, sql: str) -> Statement | None:
        if not sql:
            return None
        statement = self._guard.translate(dialect, sql)
        await self._must_be_read(statement)
        return statement

    async def _must_be_read(self, statement: Statement) -> None:
        _refuse_unless_read((await self._guard.classify(statement)).effect)


def _text_of(action: Action, wish: Wish) -> str:
    """Return what is executed, with the names of things written in."""
    names = {name: str(wish.args[name]["value"]) for name in action.execute.identifiers}
    if not names:
        return action.execute.sql
    try:
        return with_names(action.execute.sql, names)
    except StatementError as error:
        place = f"actions/{action.id}.toml"
        raise refusal("bad-arguments", error.message, line=place) from error


def _refuse_unless_read(effect: Effect) -> None:
    if effect is not Effect.READ:
        message = f"The preview, precheck or verify query is {effect}, not a proven read."
        raise refusal("preview-failed", message)


def _free_key(wish: Wish, statement: Statement) -> str:
    """Return the text that is the same for the same change, whatever reason or limit is given."""
    change = wire.canonical([statement.text, statement.names, wish.args])
    return f"execute {wish.target} {wire.digest(change)}"


def _same_names(statement: Statement, wish: Wish) -> None:
    if different := set(statement.names) ^ set(wish.args):
        names = ", ".join(sorted(different))
        message = f"The statement's parameters and those given differ: {names}."
        raise refusal("bad-sql-parameters", message)
