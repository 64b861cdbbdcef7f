"""The child of `classifier.py`: reads a question a line, proves, answers with a line.

Its arguments are the processor time for one text in seconds and its memory in bytes.
"""

import base64
import json
import pickle
import resource
import signal
import sys
from typing import Any

from interlock_gateway.adapters.classifier import KEPT, encoded
from interlock_gateway.core.model import Dialect, Statement
from interlock_gateway.core.statement import Catalogue, classify


def main(cpu_s: float, memory: int) -> None:
    """Answer until the input ends; a text that takes longer than `cpu_s` ends the process."""
    resource.setrlimit(resource.RLIMIT_AS, (memory, memory))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    signal.signal(signal.SIGPROF, signal.SIG_DFL)  # ends the process, whatever it is doing
    catalogues: dict[str, Catalogue] = {}
    for line in sys.stdin.buffer:
        question = json.loads(line)
        _keep(catalogues, question)
        signal.setitimer(signal.ITIMER_PROF, cpu_s)
        answer = json.dumps(_answered(catalogues, question))
        signal.setitimer(signal.ITIMER_PROF, 0)
        sys.stdout.write(answer + "\n")
        sys.stdout.flush()


def _keep(catalogues: dict[str, Catalogue], question: dict[str, Any]) -> None:
    """Keep the snapshot that came along, and not too many of them."""
    if question["catalogue"]:
        # Only the gateway writes to us: what it pickled is its own.
        found = pickle.loads(base64.b64decode(question["catalogue"]))  # noqa: S301  from our parent
        catalogues[question["version"]] = found
        while len(catalogues) > KEPT:
            del catalogues[next(iter(catalogues))]


def _answered(catalogues: dict[str, Catalogue], question: dict[str, Any]) -> dict[str, Any]:
    catalogue = catalogues[question["version"]] if question["version"] else None
    text = question["text"]
    return encoded(classify(Statement(Dialect(question["dialect"]), text, (), text), catalogue))


if __name__ == "__main__":
    main(float(sys.argv[1]), int(sys.argv[2]))
