"""Queries of LogQL made at random by its grammar, each with what is known of it."""

from dataclasses import dataclass, replace

from hypothesis import strategies as st

LABELS = st.sampled_from(["app", "env", "pod", "level", "status", "a1", "_b", "rate", "sum"])
TEXTS = st.sampled_from(['"x"', '"a b"', "`c|d`", '"\\"}"', "`{{.x}}`", '"|= y"', '"é"', '"1"'])
PATTERNS = st.sampled_from(['"a.+"', "`\\d{3}`", '"(?i)err|warn"', '"[a-z]+"', '"(?P<n>x)"'])
AMOUNTS = st.sampled_from(["1", "-2.5", "1e3", "5s", "1h30m", "1.5h", "200us", "5MB", "1.5KiB"])
WINDOWS = st.sampled_from([("30s", 30.0), ("5m", 300.0), ("1h30m", 5400.0), ("1d", 86_400.0)])


@dataclass(frozen=True, slots=True)
class Asked:
    """A query, whether it gives lines, how often it selects, and its widest window."""

    text: str
    lines: bool = False
    selectors: int = 0
    window_s: float = 0.0


def joined(one: Asked, text: str, other: Asked) -> Asked:
    window_s = max(one.window_s, other.window_s)
    return Asked(text, selectors=one.selectors + other.selectors, window_s=window_s)


def _matchers() -> st.SearchStrategy[str]:
    bound = st.one_of(
        st.builds("{}={}".format, LABELS, TEXTS),
        st.builds("{}=~{}".format, LABELS, PATTERNS),
    )
    loose = st.one_of(
        st.builds("{}!={}".format, LABELS, TEXTS),
        st.builds("{} !~ {}".format, LABELS, PATTERNS),
    )
    return st.builds(lambda one, more: ", ".join([one, *more]), bound, st.lists(loose, max_size=2))


def _filters() -> st.SearchStrategy[str]:
    one = st.one_of(
        st.builds("{} {} {}".format, LABELS, st.sampled_from(["=", "!="]), TEXTS),
        st.builds("{} {} {}".format, LABELS, st.sampled_from(["=~", "!~"]), PATTERNS),
        st.builds("{}{}{}".format, LABELS, st.sampled_from(["==", ">", "<=", "="]), AMOUNTS),
        st.builds("{} != ip({})".format, LABELS, st.sampled_from(['"10.0.0.0/8"', '"::1"'])),
    )
    words = st.sampled_from([" and ", " or ", ", "])
    return st.recursive(
        one,
        lambda inner: st.one_of(
            st.builds("{}{}{}".format, inner, words, inner), st.builds("({})".format, inner)
        ),
        max_leaves=4,
    )


def _stages() -> st.SearchStrategy[str]:
    names = st.lists(LABELS, min_size=1, max_size=3).map(", ".join)
    return st.one_of(
        st.builds("{} {}".format, st.sampled_from(["|=", "!="]), TEXTS),
        st.builds("|= {} or {}".format, TEXTS, TEXTS),
        st.builds("{} {}".format, st.sampled_from(["|~", "!~"]), PATTERNS),
        st.sampled_from(["|> `<_> x <_>`", '!> "x <_>"', '|= ip("10.0.0.1-10.0.0.9")']),
        st.sampled_from(["| json", "| unpack", "| decolorize", "| logfmt --strict", "| logfmt"]),
        st.builds("| json {}".format, names),
        st.builds('| logfmt --keep-empty {}, b="c"'.format, names),
        st.builds("| {} {}".format, st.sampled_from(["keep", "drop"]), names),
        st.sampled_from(["| pattern `<a> - <_>`", "| regexp `(?P<b>\\w+)`"]),
        st.sampled_from(["| line_format `{{.a}} x`", "| label_format b=a, c=`{{ .d | lower }}`"]),
        _filters().map("| {}".format),
    )


def _pipelines() -> st.SearchStrategy[str]:
    return st.lists(_stages(), max_size=4).map(" ".join)


def _lines() -> st.SearchStrategy[Asked]:
    made = st.builds("{{{}}} {}".format, _matchers(), _pipelines())
    return made.map(lambda text: Asked(text.strip(), lines=True, selectors=1))


@st.composite
def _over_windows(draw: st.DrawFn) -> Asked:
    matchers, stages = draw(_matchers()), draw(_pipelines())
    window, seconds = draw(WINDOWS)
    ends = f"[{window}]" + draw(st.sampled_from(["", " offset 5m"]))
    if draw(st.booleans()):
        inner = f"{{{matchers}}} {stages} {ends}"
        name = draw(st.sampled_from(["rate", "count_over_time", "bytes_rate"]))
        return Asked(f"{name}({inner})", selectors=1, window_s=seconds)
    unwrap = draw(st.sampled_from(["| unwrap x", "| unwrap bytes(x)", '| unwrap x | y=""']))
    inner = f"{{{matchers}}} {stages} {unwrap} {ends}"
    text = draw(
        st.sampled_from(
            [
                f"sum_over_time({inner})",
                f"avg_over_time({inner}) by (pod)",
                f"quantile_over_time(0.9, {inner})",
            ]
        )
    )
    return Asked(text, selectors=1, window_s=seconds)


def _grown(inner: st.SearchStrategy[Asked]) -> st.SearchStrategy[Asked]:
    around = st.sampled_from(
        [
            "sum by (app, env) ({})",
            "topk(5, {}) without (pod)",
            "sort_desc({})",
            "({})",
            'label_replace({}, "a", "$1", "b", "(.*)")',
            "({}) > bool 5",
            "2 * ({})",
        ]
    )
    operators = st.sampled_from(
        ["/", "+", "> bool", "and on (app)", "/ ignoring (a) group_left (b)"]
    )
    return st.one_of(
        st.builds(lambda one, text: replace(one, text=text.format(one.text)), inner, around),
        st.builds(lambda a, o, b: joined(a, f"{a.text} {o} {b.text}", b), inner, operators, inner),
    )


def queries() -> st.SearchStrategy[Asked]:
    """Return queries for lines and for numbers, small enough to be within every bound."""
    numbers = st.recursive(
        st.one_of(_over_windows(), st.just(Asked("vector(1)")), st.just(Asked("5"))),
        _grown,
        max_leaves=3,
    )
    return st.one_of(_lines(), numbers).filter(lambda asked: len(asked.text) < 2_000)
