"""A policy folder loads whole or not at all, and every problem names its file and line."""

import pytest
from interlock_gateway.core.model import Limits, Reads
from interlock_gateway.core.pace import OF_RUN, OF_TARGET, Callers, Pace
from interlock_gateway.core.policy import PolicyError, load
from policy_folder import (
    ACTION,
    APPROVALS,
    PERMISSIONS,
    ROLES,
    TARGETS,
    folder,
    lines,
    loaded,
    names_in,
    refusal,
)

READ = "incident:responder, *, *, *, read, *, allow, freely, -"
STOP = "incident:responder, curated, *, production, db.stop, *, allow, two-people, -"


def test_a_good_folder_loads_with_everything_in_it() -> None:
    policy = loaded()

    assert [line.number for line in policy.lines] == [1, 2, 3]
    assert policy.tiers == ("production", "development")
    assert policy.targets["orders"].act == "env:ORDERS_ACT"
    assert policy.targets["notes"].limits == Limits()
    assert policy.rules["two-people"].decide_within_s == 15 * 60
    assert policy.actions["db.stop"].name == "db.stop@1.0.0"
    assert policy.people_with("dba") == {"approver", "colleague"}


@pytest.mark.parametrize(
    ("line", "message"),
    [
        (READ.replace("allow", "Allow"), "exactly `allow` or `deny`, not 'Allow'"),
        ("*, *, *, *, read, *, Deny, -, -", "exactly `allow` or `deny`, not 'Deny'"),
        ("*, *, *, *, read, *, , -, -", "exactly `allow` or `deny`, not ''"),
        (READ.replace(", -", ""), "has 10 cells, this one 9"),
        (READ + ", more", "has 10 cells, this one 11"),
        (READ.replace("responder", "respnder"), "did you mean `incident:responder`?"),
        (READ.replace("incident:responder", "dba|sre"), "one role or `*`"),
        (READ.replace("*, *, *, read", "manual, *, *, read"), "'manual' is not a known mode"),
        (READ.replace("*, *, *, read", "*, ordres, *, read"), "did you mean `orders`?"),
        (READ.replace("*, *, *, read", "*, *, prod, read"), "'prod' is not a known tier"),
        (READ.replace("read", "reads"), "'reads' is not a known operation"),
        (READ.replace("read", "unknown"), "`unknown` is always refused"),
        (READ.replace("read, *", "read, sev5"), "'sev5' is not a known severity"),
        (READ.replace("read, *", "read, sev1|sev1"), "names something twice"),
        (READ.replace("read, *", "read, sev1|"), "there are no other patterns"),
        (READ.replace("*, *, *, read", "*, ord*, *, read"), "there are no other patterns"),
        (READ.replace("*, *, *, read", "*, orders:1*, *, read"), "there are no other patterns"),
        (READ.replace("*, *, *, read", "*, (orders, *, read"), "there are no other patterns"),
        (READ.replace("freely", "two-peple"), "did you mean `two-people`?"),
        (READ.replace("freely", ""), "'' is not a rule of approvals.toml"),
        (READ.replace("freely", "two-people"), "cannot wait for an approval in this version"),
        (READ.replace("read", "*"), "An allow names its operations"),
        (READ.replace("read", "read|session"), "each allowed by a line of their own"),
        (READ.replace("freely, -", "freely, yes"), "`override` is `-` or `override`"),
        ("*, *, *, *, read, *, deny, freely, -", "A deny has no terms"),
        (STOP.replace("two-people", "freely"), "`db.stop` changes things and cannot be free"),
        (STOP.replace("db.stop", "write").replace("two-people", "freely"), "`write` changes"),
        (STOP.replace("curated", "*"), "Ad-hoc runs may only read"),
        (STOP.replace("curated", "adhoc|curated"), "Ad-hoc runs may only read"),
    ],
)
def test_a_bad_line_is_an_error_with_its_number(line: str, message: str) -> None:
    told = refusal(folder(permissions="# first\n" + lines(line)))

    assert told.startswith("permissions.csv:2: ")
    assert message in told


@pytest.mark.parametrize("section", ["p2", "P", "g", "policy", '"p"', ""])
def test_a_line_of_an_unknown_section_is_an_error(section: str) -> None:
    told = refusal(folder(permissions=PERMISSIONS + f"{section}, {READ}\n"))

    assert "permissions.csv:4: " in told
    assert "is not a section" in told


@pytest.mark.parametrize("break_", ["\u2028", "\x0b", "\x0c", "\x85", "\r"])
def test_only_a_newline_begins_a_line_so_that_a_comment_hides_none(break_: str) -> None:
    hidden = f"# harmless{break_}p, *, *, *, *, costly, *, allow, freely, -\n"

    assert len(loaded(permissions=PERMISSIONS + hidden).lines) == 3


def test_the_same_line_twice_is_an_error() -> None:
    told = refusal(folder(permissions=lines(READ, READ.replace(", ", ",   "))))

    assert told == "permissions.csv:2: This stands on line 1 too."


@pytest.mark.parametrize("text", ["", "# nothing\n\n"])
def test_a_policy_without_a_line_is_an_error(text: str) -> None:
    assert "nothing would ever be allowed" in refusal(folder(permissions=text))


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("user, you\n", "roles.csv:8: 'user' is not a section"),
        ("role\n", "roles.csv:8: A role is declared as `role, NAME`."),
        ("role, DBA\n", "roles.csv:8: 'DBA' cannot be the name of a role"),
        ("role, dba\n", "roles.csv:8: The role 'dba' stands on line 1 too."),
        ("g, you\n", "roles.csv:8: A role is given as `g, WHO, ROLE`."),
        ("g, you, dab\n", "roles.csv:8: The role 'dab' is not declared; did you mean `dba`?"),
        ("g, You, dba\n", "roles.csv:8: 'You' is neither a role nor a person's id."),
        ("g, approver, dba\n", "roles.csv:8: This stands on line 4 too."),
        ("g, incident:commander, dba\n", "roles.csv:8: A part in an incident is given on"),
        ("g, you, incident:commander\n", "roles.csv:8: A part in an incident is given on"),
        ("g, dba, incident:responder\n", "roles.csv:8: A part in an incident is given on"),
        ("g, dba, dba\n", "roles.csv:8: The role 'dba' implies itself"),
        ("g, dba, sre\ng, sre, dba\n", "roles.csv:9: The role 'sre' implies itself"),
    ],
)
def test_a_bad_role_is_an_error_with_its_line(text: str, message: str) -> None:
    assert message in refusal(folder(roles=ROLES + text))


@pytest.mark.parametrize(("links", "loads"), [(8, True), (9, False), (12, False)])
def test_a_chain_of_roles_deeper_than_casbin_follows_is_an_error(
    links: int, *, loads: bool
) -> None:
    chain = "".join(f"role, r{number}\n" for number in range(links + 1))
    chain += "".join(f"g, r{number}, r{number + 1}\n" for number in range(links))
    files = folder(
        roles=ROLES + chain + "g, you, r0\n",
        permissions=lines(f"r{links}, *, *, *, read, *, allow, freely, -"),
    )
    if not loads:
        assert "has more than 8 links" in refusal(files)
        return

    policy = load(files, names_in=names_in)
    assert f"r{links}" in policy.roles_of("you")
    assert policy.engine._enforcer.enforce(  # noqa: SLF001  casbin itself must still follow it
        *("person:you", "incident:none", "curated", "orders", "production", "read", "sev1")
    )


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("[rule.two-people]", "[rules.two-people]", "`rules` is unknown; did you mean `rule`?"),
        ("[rule.two-people]", "[rule.Two_People]", "cannot be the name of a rule"),
        ("[rule.two-people]", "[rule.freely]", "cannot be the name of a rule"),
        ("max_rows = 10\n", "", "approvals.toml:1: `max_rows` is missing."),
        ("max_rows = 10", "max_rows = 0", "approvals.toml:5: `max_rows = 0` must be from 1 to"),
        ("max_rows = 10", "max_rows = true", "approvals.toml:5: `max_rows` must be a whole"),
        ('"15m"', '"15 minutes"', "approvals.toml:3: `decide_within = '15 minutes'` is not a dur"),
        ('"15m"', '"72h"', "approvals.toml:3: `decide_within = '72h'` must be from 10 to 86,400"),
        ('"15m"', "15", "approvals.toml:3: `decide_within` must be a text."),
        ("use_within", "use_whitin", "`use_whitin` is unknown; did you mean `use_within`?"),
        ('role = "dba"', 'role = "dbas"', "approvals.toml:2: `role = 'dbas'` is unknown"),
        ('role = "dba"', 'rôle = "dba"', "This is not TOML"),
        ('role = "sre", count = 1', 'role = "sre"', "approvals.toml:2: `count` is missing."),
        ('role = "sre", count = 1', 'role = "sre", count = 0', "`count = 0` must be from 1 to 10"),
        ('role = "sre"', 'role = "dba"', "`all_of` names a role twice"),
        ("all_of =", "any_of = []\nall_of =", "exactly one of `all_of` and `any_of`"),
        ("max_rows = 10", 'max_rows = 10\nconfirm_in = "slack"', "`confirm_in = 'slack'` is unkn"),
        ("max_rows = 10", 'max_rows = 10\nconfirm_in = ""', "`confirm_in` is empty."),
        ("max_rows = 10", "max_rows = 10\nconfirm_in = true", "`confirm_in` must be a text."),
        ("max_rows = 10", 'max_rows = 10\nbreak_glass_by = ["sre"]', "ends in `-or-break-glass`"),
        ("two-people]", "two-people-or-break-glass]", "ends in `-or-break-glass`"),
        *(
            ("two-people]", f"two-people-or-break-glass]\nbreak_glass_by = {roles}", message)
            for roles, message in (
                ("[]", "`break_glass_by` must be a list of texts with at least one"),
                ('"sre"', "`break_glass_by` must be a list of texts"),
                ('["sra"]', "'sra', which is unknown; did you mean `sre`?"),
                ('["*"]', "`break_glass_by` names '*', which is unknown"),
                ('["incident:commander"]', "can be taken during an incident; name standing"),
                ('["sre", "sre"]', "`break_glass_by` names something twice."),
            )
        ),
        ("max_rows = 10", "max_rows = 10\nbreak_glass = true", "`break_glass` is not enforced by"),
        ("max_rows = 10", "max_rows = 10\nrequester_may_vote = true", "requester never counts"),
        ("max_rows = 10", "max_rows = 10\nmax_rows = 11", "approvals.toml:6: This is not TOML"),
    ],
)
def test_a_bad_approval_rule_is_an_error_with_its_line(old: str, new: str, message: str) -> None:
    assert old in APPROVALS
    assert message in refusal(folder(approvals=APPROVALS.replace(old, new)))


@pytest.mark.parametrize("group", ["[]", "[1]", '"dba"'])
def test_an_empty_group_is_an_error_and_never_means_anybody(group: str) -> None:
    start = APPROVALS.index("[{")
    end = APPROVALS.index("}]") + 2
    assert "`all_of` must be a list" in refusal(
        folder(approvals=APPROVALS[:start] + group + APPROVALS[end:])
    )


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("[target.orders]", "[target.Orders]", "'Orders' cannot be the name of a target"),
        ("[target.orders]", "[target.notes]", "This is not TOML"),
        ('dialect = "postgres"', 'dialect = "oracle"', "`dialect = 'oracle'` is unknown"),
        ('tier = "production"', 'tier = "prod"', "targets.toml:5: `tier = 'prod'` is unknown"),
        ('read = "env:ORDERS_READ"\n', "", "targets.toml:3: `read` is missing."),
        ('"env:ORDERS_ACT"', '"env:ORDERS_READ"', "`act` and `read` name one credential"),
        ('"env:ORDERS_ACT"', '"vault:orders"', "targets.toml:7: `act` must be a reference"),
        ('"file:/srv/notes"', '"file:notes"', "targets.toml:12: `read` must be a reference"),
        ('act = "env:ORDERS_ACT"', "limits = { row = 1 }", "did you mean `rows`?"),
        ('act = "env:ORDERS_ACT"', "limits = { rows = 0 }", "`rows = 0` must be from 1 to"),
        (
            '"file:/srv/notes"',
            '"file:/srv/notes"\nlimits = { cost = 9 }',
            "SQLite plans without saying what a plan costs",
        ),
        (
            'dialect = "postgres"',
            'dialect = "duckdb"\nlimits = { cost = 9 }',
            "DuckDB estimates rows and not work",
        ),
        ('act = "env:ORDERS_ACT"', "pace = { at_one = 1 }", "did you mean `at_once`?"),
        ('act = "env:ORDERS_ACT"', "pace = { at_once = 0 }", "`at_once = 0` must be from 1 to 64"),
        ('tiers = ["', 'pace = { runs = 1 }\ntiers = ["', "did you mean `run`?"),
        ('tiers = ["', 'pace.run = { per_minute = 0 }\ntiers = ["', "`per_minute = 0` must be"),
        ('act = "env:ORDERS_ACT"', "reads = { table = [] }", "did you mean `tables`?"),
        ('act = "env:ORDERS_ACT"', 'reads = { tables = ["jobs"] }', "write `schema.name`"),
        ('act = "env:ORDERS_ACT"', 'reads = { functions = ["f"] }', "write `schema.name`"),
        (
            'dialect = "postgres"',
            'dialect = "mariadb"\nreads = { functions = ["shop.f"] }',
            "trusted on postgres, duckdb only",
        ),
        ('act = "env:ORDERS_ACT"', "masked = 1", "`masked` must be a table"),
        ('act = "env:ORDERS_ACT"', 'masked = { pii = ["a.b"] }', "write `schema.table.column`"),
        ('act = "env:ORDERS_ACT"', 'masked = { PII = ["a.b.c"] }', "cannot be a tag"),
        ('act = "env:ORDERS_ACT"', "masked = { pii = [] }", "`pii` must be a list"),
        (
            'act = "env:ORDERS_ACT"',
            'masked = { pii = ["a.b.c"], secret = ["a.b.c"] }',
            "a.b.c is masked twice, as pii and secret",
        ),
        ('act = "env:ORDERS_ACT"', "pool = 1", "targets.toml:7: `pool` is unknown"),
        ('tiers = ["production", "development"]', "tiers = []", "`tiers` must be a list"),
    ],
)
def test_a_bad_target_is_an_error_with_its_line(old: str, new: str, message: str) -> None:
    assert old in TARGETS
    assert message in refusal(folder(targets=TARGETS.replace(old, new)))


def test_masked_columns_are_read_with_their_tags() -> None:
    masked = 'act = "env:ORDERS_ACT"\nmasked = { pii = ["a.b.c", "a.b.d"], secret = ["a.e.f"] }'
    found = loaded(targets=TARGETS.replace('act = "env:ORDERS_ACT"', masked))

    assert found.targets["orders"].masked == {"a.b.c": "pii", "a.b.d": "pii", "a.e.f": "secret"}


def test_paces_are_read_for_targets_people_and_runs() -> None:
    written = TARGETS.replace('act = "env:ORDERS_ACT"', "pace = { at_once = 2 }", 1).replace(
        'tiers = ["', 'pace.person = { at_once = 3, per_minute = 90 }\ntiers = ["', 1
    )
    policy = loaded(targets=written)
    assert policy.targets["orders"].pace == Pace(2, OF_TARGET.per_minute)
    assert policy.callers == Callers(person=Pace(3, 90), run=OF_RUN)


def test_names_in_a_sqlite_file_are_compared_without_regard_to_case() -> None:
    reads = '"file:/srv/notes"\nreads = { schemas = ["Main"], tables = ["main.Orders"] }'
    found = loaded(targets=TARGETS.replace('"file:/srv/notes"', reads))
    assert found.targets["notes"].reads == Reads(schemas=("main",), tables=("main.orders",))


def test_a_secret_written_in_the_open_is_refused_and_not_repeated() -> None:
    secret = "postgresql://reader:hunter2@db/orders"

    told = refusal(folder(targets=TARGETS.replace("env:ORDERS_READ", secret)))

    assert "targets.toml:6: `read` must be a reference" in told
    assert "hunter2" not in told


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("priority(p.eft) || deny", "some(where (p.eft == allow))"),
        ("among(r.target, p.target)", "keyMatch(r.target, p.target)"),
        ('p.role == "*" || ', ""),
        ("r = person, part, mode", "r = part, person, mode"),
        ("[role_definition]\n", ""),
    ],
)
def test_a_model_that_says_anything_else_is_an_error(old: str, new: str) -> None:
    model = folder()["model.conf"]
    assert old in model

    told = refusal(folder(model=model.replace(old, new)))

    assert told.startswith("model.conf:")
    assert "The model is fixed" in told


def test_every_problem_is_told_at_once() -> None:
    told = refusal(
        folder(
            permissions=lines(READ.replace("allow", "Allow"), READ.replace("read", "reed")),
            targets=TARGETS.replace('"production"\n', '"prod"\n'),
        )
    )

    places = [problem.partition(": ")[0] for problem in told.splitlines()]
    assert places == ["permissions.csv:1", "permissions.csv:2", "targets.toml:5"]


@pytest.mark.parametrize("name", ["permissions.csv", "roles.csv", "approvals.toml", "model.conf"])
def test_a_missing_file_is_one_problem_of_its_own(name: str) -> None:
    files = folder()
    del files[name]

    assert f"{name}:1: The file is missing." in refusal(files)


@pytest.mark.parametrize("name", ["permission.csv", "actions/pg.toml.bak", "actions/sub/x.toml"])
def test_a_file_that_nothing_reads_is_an_error(name: str) -> None:
    assert f"{name}:1: Nothing reads this file" in refusal(folder() | {name: ""})


@pytest.mark.parametrize("name", ["README.md", ".gitignore", "..data/permissions.csv"])
def test_notes_and_hidden_files_are_left_alone(name: str) -> None:
    load(folder() | {name: "anything"}, names_in=names_in)


def test_problems_come_in_the_order_of_files_and_lines() -> None:
    files = folder(permissions=lines(*["a, b"] * 3), action=ACTION.replace("undo", "und"))

    with pytest.raises(PolicyError) as caught:
        load(files, names_in=names_in)

    places = [(problem.file, problem.line) for problem in caught.value.problems]
    assert places == sorted(places)
    assert len(places) >= 4
