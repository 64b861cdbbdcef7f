"""What is wrong with a question about metrics."""


class TelemetryError(ValueError):
    """A question is not understood, or reaches too far; nothing was sent.

    Attributes:
        code: a code of `interlock.errors`.
        message: what happened.
        position: offset in characters of the author's text, or None.
        help: what to do next.
        line: the limit that refused, as it stands in targets.toml, or "".
    """

    def __init__(
        self,
        code: str,
        message: str,
        *,
        position: int | None = None,
        help: str = "",  # noqa: A002  the word users know
        line: str = "",
    ) -> None:
        super().__init__(message)
        self.code = code
        self.message = message
        self.position = position
        self.help = help
        self.line = line
