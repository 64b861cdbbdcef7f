"""Which steps run: what only looks, by itself; what changes something, when a person says so.

An action step is offered when a finding suggests it, by a key of its own; then the target's name
must be typed. Enter never means yes. Without a terminal only `--act` and `--confirm` say so.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from interlock.cli.plain import flat
from interlock.cli.world import World
from interlock.conclusion import Finding
from interlock.errors import UsageError
from interlock.manifest import calls
from interlock.manifest.model import Params
from interlock.runbook import Runbook, Step
from interlock.runner.progress import RunIt, Skip


@dataclass(frozen=True, slots=True)
class Chooser:
    """Answers the runner's question before each step that is not automatic.

    Attributes:
        targets: per mutating step the targets it would change.
        act: steps that were asked for beforehand, by `--act`.
        dry_run: whether nobody is asked, since nothing is changed.
    """

    world: World
    runbook: Runbook
    targets: Mapping[str, tuple[str, ...]]
    act: tuple[str, ...] = ()
    dry_run: bool = False

    async def __call__(self, step: Step, findings: Mapping[str, Finding]) -> RunIt | Skip:
        """Return whether `step` runs."""
        if not step.mutating:
            return RunIt()
        suggested = [name for name, finding in findings.items() if finding.next == step.id]
        if not suggested:
            return Skip("no finding suggests it")
        if self.dry_run or step.id in self.act:
            return RunIt()
        if not self.world.interactive:
            return Skip(f"nobody is asked without a terminal; to run it: {self._flags(step)}")
        self._describe(step, suggested)
        return await self._ask(step)

    def _flags(self, step: Step) -> str:
        confirm = "".join(f" --confirm {name}" for name in self.targets.get(step.id, ()))
        return f"--act {step.id}{confirm}"

    def _describe(self, step: Step, suggested: list[str]) -> None:
        say = self.world.say
        say(f" → {flat(step.id)}: {flat(step.title)}", "strong")
        say(f"   changes something, needs an approval; suggested by {', '.join(suggested)}")
        for label, text in (("why", step.why), ("undo", step.undo)):
            if text:
                say(f"   {label:<5} {flat(text)}", "dim")

    async def _ask(self, step: Step) -> RunIt | Skip:
        key = step.id[0] if step.id[0] != "s" else "y"
        how = f"Give `{self._flags(step)}`."
        answer = await self.world.question_beside(
            f"   [{key}] request it  [s] leave it out: ", how
        )
        if answer.lower() not in {key, step.id}:
            return Skip("a person left it out")
        for target in self.targets.get(step.id, ()):
            words = f"   Type {flat(target)} to request it: "
            if await self.world.question_beside(words, how) != target:
                return Skip(f"{target} was not typed")
        return RunIt()


def changed_targets(runbook: Runbook, params: Params) -> dict[str, tuple[str, ...]]:
    """Return per mutating step the names of the targets that it would change."""
    return {
        step.id: tuple(
            sorted(
                {
                    _named(call.target, params)
                    for call in calls(runbook, step)
                    if call.function in {"act", "execute"}
                }
            )
        )
        for step in runbook.steps
        if step.mutating
    }


def refuse_unconfirmed(
    runbook: Runbook,
    targets: Mapping[str, tuple[str, ...]],
    act: tuple[str, ...],
    confirm: tuple[str, ...],
) -> None:
    """Refuse before anything runs when `--act` names no step or a target is not confirmed.

    Raises:
        UsageError: what is missing.
    """
    for name in act:
        runbook.step(name)
        for target in targets.get(name, ()):
            if target not in confirm:
                raise UsageError(
                    f"{flat(name)} changes {flat(target)}, and that name was not given.",
                    help=f"Add --confirm {flat(target)} if you mean it.",
                )


def _named(target: str, params: Params) -> str:
    name = target.removeprefix("params.")
    return str(params[name]["value"]) if name != target and name in params else target
