"""Text from elsewhere on a terminal: nothing hidden in it, nothing in it obeyed.

A query result, a note or an error may hold escape sequences that move the cursor, set the
clipboard or recolour what follows, and marks that reorder it (CWE-150, "Trojan Source").
`interlock.rendering` shows them as escapes; here the text is laid out in lines besides.
"""

from interlock.rendering import printable

_EXOTIC_BLANKS = {"\u00a0": " ", "\u202f": " "}


def visible(text: object) -> str:
    r"""Return `text` with line breaks kept, tabs as blanks, every hidden character shown.

    Examples:
        >>> visible("a\x1b[2Jb")
        'a\\x1b[2Jb'
    """
    plain = str(text).replace("\r\n", "\n").replace("\t", "    ")
    for exotic, blank in _EXOTIC_BLANKS.items():
        plain = plain.replace(exotic, blank)
    return "\n".join(map(printable, plain.split("\n")))


def flat(text: object) -> str:
    r"""Return `text` as one line: breaks become ⏎ and tabs become blanks.

    Examples:
        >>> flat("a\nb")
        'a⏎b'
    """
    return visible(text).replace("\n", "⏎")


def cut(text: object, width: int) -> str:
    """Return `text` as one line of at most `width` characters, ending in … when cut."""
    line = flat(text)
    return line if len(line) <= width else line[: max(0, width - 1)] + "…"
