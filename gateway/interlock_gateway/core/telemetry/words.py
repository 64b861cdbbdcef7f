"""The words of PromQL that are understood. Source: the Prometheus documentation, 2.42.

Left out: what needs a feature flag, and what is meant for native histograms.
"""

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

COMPARISONS = frozenset({"==", "!=", "<", "<=", ">", ">="})
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
