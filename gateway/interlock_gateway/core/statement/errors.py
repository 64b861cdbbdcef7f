"""What can be wrong with a statement before it is classified."""


class StatementError(ValueError):
    """The text cannot become a statement: its parameters or its dialect are wrong.

    Attributes:
        code: `bad-sql-parameters` or `not-understood`, keys of `interlock.errors.CODES`.
        message: what is wrong, in one sentence.
        position: offset in characters from the start of the author's text, or None.
        help: what to write instead.
    """

    def __init__(self, code: str, message: str, *, position: int | None, help: str) -> None:  # noqa: A002  the word users know
        super().__init__(f"{message} {help}")
        self.code = code
        self.message = message
        self.position = position
        self.help = help
