"""From the texts of a policy folder to a `Policy`, or to everything that is wrong with it."""

import re
from collections.abc import Iterable, Mapping
from contextlib import AbstractContextManager, nullcontext

from interlock import wire

from interlock_gateway.core.action import Action, NamesIn, load_action
from interlock_gateway.core.approval_rule import load_rules
from interlock_gateway.core.policy.cases import check_cases
from interlock_gateway.core.policy.engine import Engine
from interlock_gateway.core.policy.lines import Vocabulary, load_lines, load_model
from interlock_gateway.core.policy.roles import load_roles
from interlock_gateway.core.policy.snapshot import Policy
from interlock_gateway.core.policy.targets import bearing, load_targets
from interlock_gateway.core.strict import PolicyError, Problem, Source

DECIDING = ("model.conf", "permissions.csv", "roles.csv", "approvals.toml", "targets.toml")
"""Files that must be there, besides `actions/*.toml`."""

REVIEWED = ("cases.toml", "matrix.txt")
"""Files by which a policy is reviewed; they decide nothing."""

_ACTION = re.compile(r"actions/[^/]+\.toml")
_ASIDE = re.compile(
    r"(?:.*/)?(?:\.[^/]*|[^/]*\.(?:md|swp|swx|tmp)|[^/]*~|#[^/]*#)|(?:.*/)?\.[^/]*/.*"
)


def concerns(name: str) -> bool:
    """Tell whether a file of this name belongs to the policy.

    Hidden files, Markdown and what editors leave lying about (`x~`, `#x#`, `x.swp`, `x.tmp`) do
    not. Any other name that nothing reads is an error: it may be a policy file, misspelt.
    """
    return not _ASIDE.fullmatch(name)


def load(
    files: Mapping[str, str],
    *,
    names_in: NamesIn,
    turn: AbstractContextManager[object] | None = None,
) -> Policy:
    """Return the policy that these files say.

    Args:
        files: name inside the folder, such as `actions/pg.cancel_backend.toml` → text.
        names_in: finds the `:name` parameters of an action's SQL.
        turn: held while casbin decides; a lock, where more than one thread may ask.

    Raises:
        PolicyError: everything that is wrong, with file and line; nothing is half loaded.
    """
    folder = _Folder(files)
    policy = _read(folder, names_in, nullcontext() if turn is None else turn)
    if "cases.toml" in files:
        check_cases(folder.source("cases.toml"), policy)
        folder.stop_on_problems()
    return policy


class _Folder:
    """The files while they are read, with the problems found in them."""

    def __init__(self, files: Mapping[str, str]) -> None:
        self.files = files
        self._sources: dict[str, Source] = {}
        self._problems = list(_misplaced(files))

    @property
    def actions(self) -> Iterable[str]:
        return sorted(filter(_ACTION.fullmatch, self.files))

    def source(self, name: str) -> Source:
        return self._sources.setdefault(name, Source(name, self.files.get(name, "")))

    def stop_on_problems(self) -> None:
        found = [problem for source in self._sources.values() for problem in source.problems]
        missing = {name for name in DECIDING if name not in self.files}
        problems = self._problems + [each for each in found if each.file not in missing]
        if problems:
            raise PolicyError(problems)


def _misplaced(files: Mapping[str, str]) -> Iterable[Problem]:
    for name in DECIDING:
        if name not in files:
            yield Problem(name, 1, "The file is missing.")
    for name in files:
        known = name in DECIDING or name in REVIEWED or _ACTION.fullmatch(name)
        if not known and concerns(name):
            yield Problem(name, 1, "Nothing reads this file; is its name right?")


def _read(folder: _Folder, names_in: NamesIn, turn: AbstractContextManager[object]) -> Policy:
    load_model(folder.source("model.conf"))
    listed = load_targets(folder.source("targets.toml"))
    targets = listed.targets
    roles = load_roles(folder.source("roles.csv"))
    rules = load_rules(folder.source("approvals.toml"), roles=roles.names)
    actions = _actions(folder, names_in)
    words = Vocabulary(
        roles=roles.names,
        targets={name: target.tier for name, target in targets.items()},
        tiers=listed.tiers,
        actions=tuple(actions),
        rules=tuple(rules),
    )
    lines = load_lines(folder.source("permissions.csv"), words)
    folder.stop_on_problems()
    return Policy(
        digest=_digest(folder),
        lines=lines,
        roles=roles,
        rules=rules,
        tiers=listed.tiers,
        targets=targets,
        callers=listed.callers,
        actions=actions,
        bearings={name: bearing(target) for name, target in targets.items()},
        engine=Engine(lines, roles),
        turn=turn,
    )


def _actions(folder: _Folder, names_in: NamesIn) -> dict[str, Action]:
    loaded = (load_action(folder.source(name), names_in=names_in) for name in folder.actions)
    return {action.id: action for action in loaded if action is not None}


def _digest(folder: _Folder) -> str:
    deciding = (*DECIDING, *folder.actions)
    return wire.digest(wire.canonical({name: folder.source(name).text for name in deciding}))
