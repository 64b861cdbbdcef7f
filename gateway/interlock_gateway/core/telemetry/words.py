"""The words of PromQL and LogQL that are understood.

Sources: the documentation of Prometheus 2.42 and of Loki 3. Left out: what needs a feature flag,
and what is meant for native histograms.
"""

from interlock_gateway.core.telemetry.reading import COMPARISONS

_FUNCTIONS = """
    abs absent absent_over_time acos acosh asin asinh atan atanh avg_over_time ceil changes clamp
    clamp_max clamp_min cos cosh count_over_time day_of_month day_of_week day_of_year
    days_in_month deg delta deriv exp floor histogram_quantile holt_winters hour idelta increase
    irate label_join label_replace last_over_time ln log10 log2 max_over_time min_over_time minute
    month pi predict_linear present_over_time quantile_over_time rad rate resets round scalar sgn
    sin sinh sort sort_desc sqrt stddev_over_time stdvar_over_time sum_over_time tan tanh time
    timestamp vector year
"""

FUNCTIONS = frozenset(_FUNCTIONS.split())
"""Functions; none of them has an effect."""

_AGGREGATORS = "avg bottomk count count_values group max min quantile stddev stdvar sum topk"

AGGREGATORS = frozenset(_AGGREGATORS.split())
"""Operators over many series, with `by` and `without`."""

OPERATORS = COMPARISONS | frozenset({"+", "-", "*", "/", "%", "^", "atan2", "and", "or", "unless"})
MATCHERS = ("=", "!=", "=~", "!~")
NUMBERS = frozenset({"inf", "nan"})

RESERVED = (
    AGGREGATORS
    | NUMBERS
    | frozenset({"by", "without", "on", "ignoring", "group_left", "group_right"})
    | frozenset({"bool", "offset", "atan2", "and", "or", "unless", "start", "end"})
)
"""Words that are not taken for the name of a metric, in whatever case."""

# --- LogQL ------------------------------------------------------------------------------------

OF_LINES = frozenset(
    {"rate", "count_over_time", "bytes_rate", "bytes_over_time", "absent_over_time"}
)
"""Functions over the lines of a window."""

_OF_VALUES = """
    rate rate_counter sum_over_time avg_over_time max_over_time min_over_time first_over_time
    last_over_time stdvar_over_time stddev_over_time quantile_over_time absent_over_time
"""

OF_VALUES = frozenset(_OF_VALUES.split())
"""Functions over the unwrapped values of a window."""

GROUPED = OF_VALUES - {"rate", "rate_counter", "sum_over_time", "absent_over_time"}
"""Those of them that may be followed by `by` or `without`."""

LOG_AGGREGATORS = frozenset(
    {"sum", "avg", "min", "max", "count", "stddev", "stdvar", "topk", "bottomk"}
)
"""Operators over many series, with `by` and `without`."""

SORTING = frozenset({"sort", "sort_desc"})
LOG_OPERATORS = OPERATORS - {"atan2"}
CONVERSIONS = frozenset({"bytes", "duration", "duration_seconds"})
"""How `unwrap` may read a label."""

_STAGES = "json logfmt regexp pattern unpack decolorize line_format label_format keep drop unwrap"

STAGES = frozenset(_STAGES.split())
"""Words with which a stage begins that is no filter."""

_LOG_RESERVED = "and or unless by without on ignoring group_left group_right bool offset distinct"

LOG_RESERVED = STAGES | frozenset(_LOG_RESERVED.split())
"""Words that are no label's name."""
