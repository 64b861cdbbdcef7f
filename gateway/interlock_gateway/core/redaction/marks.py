"""The mark that stands where a secret stood: it names the rule, never a length or a part."""

import re
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass

_MARK = re.compile(r"⟦masked: ([a-z-]{1,60})⟧")
_ESCAPED = re.compile(r"\\u27e6masked: ([a-z-]{1,60})\\u27e7")
_NO_WORD = re.compile(r"[^a-z]+")
_LONGEST = 60


@dataclass(frozen=True, slots=True)
class Span:
    """A secret in a text: from where to where, in characters, and the rule that found it.

    `sure` is set where the text is exactly a secret that the gateway holds.
    """

    start: int
    end: int
    rule: str
    sure: bool = False


def rule_word(rule: str) -> str:
    """Return a rule's name as marks have it: small letters and dashes, so that it tells nothing.

    >>> rule_word("betterleaks.aws-access-token")
    'aws-access-token'
    """
    last = rule.lower().rpartition(".")[2].rpartition("/")[2]
    return _NO_WORD.sub("-", last).strip("-")[:_LONGEST].strip("-") or "secret"


def mark(rule: str) -> str:
    """Return the mark for what `rule` found."""
    return f"⟦masked: {rule_word(rule)}⟧"


def masked(text: str, spans: Iterable[Span]) -> str:
    """Return `text` with a mark in place of each span; overlapping ones become one.

    Of several rules that found the same, the gateway's own knowledge names the mark, then the
    longest.
    """
    out, at = [], 0
    for span in _merged(spans):
        out += [text[at : span.start], mark(span.rule)]
        at = span.end
    return "".join([*out, text[at:]])


def counted(text: str) -> Counter[str]:
    """Return how many marks of each rule stand in `text`, which may be JSON."""
    found: Counter[str] = Counter()
    if "masked: " in text:
        found.update(_MARK.findall(text))
        found.update(_ESCAPED.findall(text))
    return found


def _merged(spans: Iterable[Span]) -> list[Span]:
    out: list[Span] = []
    for span in sorted(spans, key=lambda one: (one.start, -one.end)):
        if span.start >= span.end:
            continue
        if not out or span.start >= out[-1].end:
            out.append(span)
            continue
        last = out[-1]
        named = max(last, span, key=lambda one: (one.sure, one.end - one.start))
        sure = last.sure or span.sure
        out[-1] = Span(last.start, max(last.end, span.end), named.rule, sure)
    return out
