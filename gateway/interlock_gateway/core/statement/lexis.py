"""How the texts of a dialect split: its `lexis.toml` as one pattern, read once.

A text is cut into landmarks: quotes, comments, parameters, brackets, and runs of anything else.
"""

import re
import tomllib
from dataclasses import dataclass
from functools import lru_cache
from importlib import resources
from typing import Any

from interlock_gateway.core.model import Dialect

# Everything above ASCII counts as part of a word here, as it does to PostgreSQL; the gate refuses
# what is no letter. A `$` inside a word is left out: it is odd, and refused too.
WORD = r"A-Za-z_\u0080-\U0010ffff"

_SIGNS = r" \t\n\r\f\v,.*=<>+%^|&~!"  # those that every dialect has
_COLON = rf"(?P<cast>::)|(?P<assign>:=)|(?P<parameter>:[{WORD}][{WORD}0-9]*+)"
_DOLLAR = rf"(?P<dollar>(?<![\w$])\$(?P<tag>(?:[{WORD}][{WORD}0-9]*+)?+)\$.*?\$(?P=tag)\$)"
_ESCAPED = r"'(?:[^'\\]++|\\.|'')*+'"


@dataclass(frozen=True, slots=True)
class Lexis:
    """What the lexer, the gate and the translation know of a dialect.

    Attributes:
        pattern: one landmark at a place; its named group says which.
        quotes: the characters that begin a quote; one that begins none is never closed.
        nested: whether block comments nest.
        braces: whether `{` and `}` are brackets.
        colons: whether a colon has a meaning outside brackets.
        backticks: whether a backtick quotes.
        blank_after_dashes: whether `--` begins a comment only before a blank.
        sign: what a placeholder begins with.
        numbered: whether a placeholder has a number, so that a name used twice shares one.
    """

    pattern: re.Pattern[str]
    quotes: str
    nested: bool
    braces: bool
    colons: bool
    backticks: bool
    blank_after_dashes: bool
    sign: str
    numbered: bool


@lru_cache(maxsize=len(Dialect))
def lexis(dialect: Dialect) -> Lexis:
    """Return the lexis of `dialect`."""
    file = resources.files("interlock_gateway.core.statement") / "data" / dialect / "lexis.toml"
    facts = tomllib.loads(file.read_text(encoding="utf-8"))
    identifiers = str(facts["identifiers"])
    return Lexis(
        pattern=re.compile("|".join(_parts(facts)), re.DOTALL),
        quotes=facts.get("strings", "") + facts.get("escaped_strings", "") + identifiers,
        nested=facts.get("nested_comments", False),
        braces=facts.get("braces", False),
        colons=facts.get("colons", False),
        backticks="`" in identifiers,
        blank_after_dashes=facts.get("blank_after_dashes", False),
        sign=facts["placeholder"].rstrip("1"),
        numbered=facts["placeholder"].endswith("1"),
    )


def _parts(facts: dict[str, Any]) -> list[str]:
    """Return the alternatives of the pattern, the first that matches decides."""
    line = r"--[^\n]*+|#[^\n]*+" if facts.get("hash_comments") else r"--[^\n]*+"
    braces = facts.get("braces", False)
    return [
        rf"(?P<plain>(?:[{WORD}0-9{_SIGNS}{facts['signs']}]++|-(?!-)|/(?!\*))++)",
        f"(?P<string>{_strings(facts)})",
        f"(?P<identifier>{'|'.join(map(_quoted, facts['identifiers']))})",
        *([_DOLLAR] if facts.get("dollar_quotes") else []),
        f"(?P<placeholder>{facts['own_placeholders']})",
        rf"(?P<line>{line})|(?P<comment>/\*)",
        _COLON,
        r"(?P<open>[(\[{])|(?P<close>[)\]}])" if braces else r"(?P<open>[(\[])|(?P<close>[)\]])",
        r"(?P<end>;)|(?P<odd>.)",
    ]


def _strings(facts: dict[str, Any]) -> str:
    """Return the pattern of a string; a lone E before the quote begins an escape string."""
    if not facts.get("escape_strings"):
        plain = map(_quoted, facts.get("strings", ""))
        return "|".join((*plain, *map(_escaped, facts.get("escaped_strings", ""))))
    single = _quoted("'")
    return rf"(?<![eE]){single}|(?<=[\w$][eE]){single}|(?<=[eE])(?<![\w$][eE]){_ESCAPED}"


def _quoted(quote: str) -> str:
    """Return the pattern of what stands between two of `quote`, in which it is doubled."""
    if quote == "[":
        return r"\[[^\]]*+\]"
    return f"{quote}(?:[^{quote}]++|{quote}{quote})*+{quote}"


def _escaped(quote: str) -> str:
    return _ESCAPED.replace("'", quote)
