"""The one error of requests and answers that do not come out as they were written down."""


class ExchangeError(ValueError):
    """A template, a value or an answer is not what it must be; the message says which."""
