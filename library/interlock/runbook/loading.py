"""From the text of a notebook to a `Runbook`, or an error that names the place."""

from collections.abc import Callable, Mapping
from datetime import date
from difflib import get_close_matches
from typing import Any

from interlock.runbook.model import MUTATING, Owner, Reviewed, Runbook, Step
from interlock.runbook.notebook import Cell, Notebook, read
from interlock.runbook.parameters import Param, declare
from interlock.runbook.reading import ValueRefusedError
from interlock.runbook.schema import RUNBOOK, STEP
from interlock.runbook.shape import ShapeError

UNDECLARED = "ad-hoc"
"""The id of an ad-hoc notebook that does not say what it is."""


def load(text: str, path: str = "", *, adhoc: bool = False) -> Runbook:
    """Return the runbook in the text of a notebook.

    Args:
        text: the whole `.ipynb` file.
        path: what messages call it.
        adhoc: the notebook is somebody's own and only reads: it may hold outputs, cells without
            `metadata.step` (they become query steps) and need not say what it is.

    Raises:
        UsageError: `runbook-invalid`, naming the file, the cell and the line.
    """
    notebook = read(text, path, adhoc=adhoc)
    about = _about(notebook, adhoc=adhoc)
    about["params"] = _params(notebook, about.get("params", {}))
    steps = tuple(_steps(notebook, adhoc=adhoc))
    runbook = Runbook(
        **about,
        digest=notebook.digest,
        cells=notebook.cells,
        steps=steps,
        path=path,
        text=text,
    )
    _check_whole(notebook, runbook)
    return runbook


def _about(notebook: Notebook, *, adhoc: bool) -> dict[str, Any]:
    if notebook.runbook is None and adhoc:
        return _undeclared()
    if notebook.runbook is None:
        raise notebook.source.error(
            "It does not say what it is: metadata.runbook is missing.", keys=("runbook",)
        )
    try:
        about: dict[str, Any] = RUNBOOK.read(dict(notebook.runbook))
    except ShapeError as error:
        raise notebook.source.error(error.message, keys=("runbook", *error.keys)) from error
    about.pop("schema")
    return about


def _undeclared() -> dict[str, Any]:
    return {
        "id": UNDECLARED,
        "version": "0.0.0",
        "title": "Ad-hoc notebook",
        "summary": "Somebody's own notebook; it may only read.",
        "status": "draft",
        "domain": UNDECLARED,
        "severity": "sev4",
        "owner": Owner("nobody", "nobody"),
        "reviewed": Reviewed(date.min, "nobody"),
    }


def _params(notebook: Notebook, params: Mapping[str, Param]) -> dict[str, Param]:
    declared = {}
    for name, param in params.items():
        try:
            declared[name] = declare(name, param)
        except ValueRefusedError as error:
            raise notebook.source.error(str(error), keys=("runbook", "params", name)) from error
    return declared


# --- steps ------------------------------------------------------------------------------------


def _steps(notebook: Notebook, *, adhoc: bool) -> list[Step]:
    steps = []
    for cell in notebook.cells:
        if cell.kind == "code":
            steps.append(_step(notebook, cell, adhoc=adhoc))
        elif cell.step is not None:
            raise notebook.source.error(
                "Only code cells are steps; prose has no metadata.step.",
                keys=("step",),
                cell=cell.id,
            )
    return steps


def _step(notebook: Notebook, cell: Cell, *, adhoc: bool) -> Step:
    given = cell.step
    if given is None and adhoc:
        given = {"kind": "query", "title": cell.id}
    if given is None:
        raise notebook.source.error(
            "A code cell is a step and must say so: metadata.step is missing.", cell=cell.id
        )
    try:
        fields = STEP.read(dict(given))
    except ShapeError as error:
        raise notebook.source.error(
            error.message, keys=("step", *error.keys), cell=cell.id
        ) from error
    fields.setdefault("why", "")
    step = Step(id=cell.id, source=cell.source, source_digest=cell.source_digest, **fields)
    _check_step(notebook, step)
    return step


def _check_step(notebook: Notebook, step: Step) -> None:
    """Refuse what cannot hold for one step by itself."""
    rules = _OF_ACTIONS if step.mutating else _OF_OTHERS
    for key, holds, message in rules:
        if not holds(step):
            raise notebook.source.error(message, keys=("step", key), cell=step.id)


_Rule = tuple[str, Callable[[Step], object], str]

_OF_ACTIONS: tuple[_Rule, ...] = (
    (
        "effect",
        lambda step: step.effect in MUTATING,
        f"An action says which effect it has: {', '.join(sorted(MUTATING))}.",
    ),
    ("auto", lambda step: not step.auto, "An action never runs by itself."),
    ("retries", lambda step: not step.retries, "An action is never retried by itself."),
    ("verify", lambda step: step.verify, "An action names the step that proves it worked."),
    (
        "undo",
        lambda step: step.undo,
        'An action says how to undo it ("none needed: …" is an answer).',
    ),
)

_OF_OTHERS: tuple[_Rule, ...] = (
    (
        "effect",
        lambda step: step.effect not in MUTATING,
        f"Only an action may have one of the effects {', '.join(sorted(MUTATING))}.",
    ),
    ("verify", lambda step: not step.verify, "Only an action names a step that proves it."),
    ("undo", lambda step: not step.undo, "Only an action has something to undo."),
    (
        "evidence_from",
        lambda step: step.evidence_from is None,
        "Only an action rests on the evidence of another step.",
    ),
)


# --- what must hold between the parts ---------------------------------------------------------


def _check_whole(notebook: Notebook, runbook: Runbook) -> None:
    if runbook.replaced_by and runbook.status != "deprecated":
        raise notebook.source.error(
            "Only a deprecated runbook is replaced.", keys=("runbook", "replaced_by")
        )
    for allowed in runbook.targets:
        _check_target(notebook, runbook, allowed.target)
    for number, alert in enumerate(runbook.alerts):
        for name in alert.params:
            if name not in runbook.params:
                keys = ("runbook", "alerts", str(number), "params", name)
                raise notebook.source.error(f"There is no parameter {name}.", keys=keys)
    for position, step in enumerate(runbook.steps):
        _check_references(notebook, runbook, step, position)


def _check_target(notebook: Notebook, runbook: Runbook, target: str) -> None:
    prefix, _, name = target.rpartition(".")
    if not prefix:
        return
    param = runbook.params.get(name)
    if param is None or param.type != "target":
        raise notebook.source.error(
            f"{target} is not a parameter of type target.", keys=("runbook", "targets")
        )


def _check_references(notebook: Notebook, runbook: Runbook, step: Step, position: int) -> None:
    before = [other.id for other in runbook.steps[:position]]
    proofs = [other.id for other in runbook.steps[position + 1 :] if other.kind == "verify"]
    wanted = [("needs", name, before, "an earlier step") for name in step.needs]
    if step.evidence_from:
        wanted.append(("evidence_from", step.evidence_from.step, before, "an earlier step"))
    if step.verify:
        wanted.append(("verify", step.verify, proofs, "a later step of kind verify"))
    for key, name, known, what in wanted:
        if name not in known:
            near = get_close_matches(name, known, n=1)
            hint = f"Did you mean {near[0]}?" if near else f"There are: {', '.join(known)}."
            raise notebook.source.error(
                f"{name} is not {what}. {hint}", keys=("step", key), cell=step.id
            )
