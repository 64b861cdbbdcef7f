"""`python -m interlock.testing.slack`: a fake Slack on this machine, until Ctrl-C."""

import argparse
import signal
import sys
import threading

from interlock.testing.slack.fake import FakeSlack

_WORDS = """A pretend Slack is at   {url}

An app reaches it with
  base_url              {api}
  bot token             {bot}
  app token             {app}
  signing secret        {signing}
Stop it with Ctrl-C; nothing is kept.
"""


def main() -> None:
    """Run a fake Slack until a signal ends it."""
    asked = argparse.ArgumentParser(prog="python -m interlock.testing.slack", description=__doc__)
    asked.add_argument(
        "--port", type=int, default=0, help="of the loopback; a free one if left out"
    )
    asked.add_argument(
        "--request-url", default="", help="post payloads there, signed, instead of over sockets"
    )
    given = asked.parse_args()
    over = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: over.set())
    with FakeSlack(port=given.port, request_url=given.request_url) as slack:
        tokens = slack.tokens
        words = _WORDS.format(
            url=slack.url,
            api=slack.api_url,
            bot=tokens.bot,
            app=tokens.app,
            signing=tokens.signing,
        )
        sys.stdout.write(words)
        sys.stdout.flush()
        over.wait()


if __name__ == "__main__":
    main()
