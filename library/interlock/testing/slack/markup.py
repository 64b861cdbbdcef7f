"""HTML that escapes by itself: a text is never markup, whatever stands in it."""

from html import escape

__all__ = ["Html", "join", "tag"]

_VOID = {"input", "br", "hr", "meta", "link"}


class Html(str):
    """Markup that was made by `tag`; a plain `str` is always a text."""

    __slots__ = ()


def join(*parts: str) -> Html:
    """Return parts in a row, plain texts among them escaped."""
    return Html("".join(each if isinstance(each, Html) else escape(each) for each in parts))


def tag(name: str, /, *parts: str, **attributes: str | bool | None) -> Html:
    """Return an element.

    Args:
        name: of the element; ours, never from outside.
        parts: what is in it; plain texts are escaped.
        attributes: `class_` is `class`, `data_key` is `data-key`; None and False leave one out,
            True gives it without a value.
    """
    given = "".join(
        f" {_name(key)}" if value is True else f' {_name(key)}="{escape(str(value))}"'
        for key, value in attributes.items()
        if value is not None and value is not False
    )
    if name in _VOID:
        return Html(f"<{name}{given}>")
    return Html(f"<{name}{given}>{join(*parts)}</{name}>")


def _name(key: str) -> str:
    return key.rstrip("_").replace("_", "-")
