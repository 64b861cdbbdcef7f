"""What a SQLite statement may touch: the authorizer, asked by SQLite for every part of it.

The lists name what is allowed; SQLite calls the authorizer while it prepares the statement, so
whatever is not named is refused before a single row is looked at. Source: sqlite.org/c3ref
(`sqlite3_set_authorizer`, "Authorizer Action Codes").
"""

import sqlite3
from collections.abc import Callable

Authorizer = Callable[[int, str | None, str | None, str | None, str | None], int]

ALLOW = sqlite3.SQLITE_OK
"""What an authorizer says to let a step of a statement be."""

_FUNCTIONS = (
    # operators that are functions inside
    "-> ->> glob like match"
    # text
    " char format hex instr length lower ltrim printf quote replace rtrim soundex substr substring"
    " trim unicode upper concat concat_ws octet_length string_agg unhex unistr unistr_quote"
    # numbers
    " abs acos acosh asin asinh atan atan2 atanh ceil ceiling cos cosh degrees exp floor ln log"
    " log10 log2 max min mod pi pow power radians random round sign sin sinh sqrt tan tanh trunc"
    # choice and type
    " coalesce if ifnull iif likelihood likely nullif subtype typeof unlikely"
    # time
    " current_date current_time current_timestamp date datetime julianday strftime time timediff"
    " unixepoch"
    # aggregates and windows
    " avg count cume_dist dense_rank first_value group_concat lag last_value lead median"
    " nth_value ntile percent_rank percentile percentile_cont percentile_disc rank row_number sum"
    " total"
    # JSON
    " json json_array json_array_insert json_array_length json_each json_error_position"
    " json_extract json_group_array json_group_object json_insert json_object json_patch"
    " json_pretty json_quote json_remove json_replace json_set json_tree json_type json_valid"
    " jsonb jsonb_array jsonb_array_insert jsonb_extract jsonb_group_array jsonb_group_object"
    " jsonb_insert jsonb_object jsonb_patch jsonb_remove jsonb_replace jsonb_set"
    # full-text search, reading
    " bm25 fts5_source_id highlight matchinfo offsets snippet"
    # about the connection and the library
    " changes last_insert_rowid sqlite_compileoption_get sqlite_compileoption_used"
    " sqlite_source_id sqlite_version total_changes"
    # blobs, whose size the length limit bounds
    " randomblob zeroblob"
)
FUNCTIONS = frozenset(_FUNCTIONS.split())
"""Not here, and so refused: load_extension, fts3_tokenizer, optimize, readfile, writefile, …"""

_NAMED = (
    "foreign_key_check foreign_key_list index_info index_list index_xinfo integrity_check"
    " quick_check table_info table_list table_xinfo"
)
_BARE = (
    "application_id auto_vacuum collation_list compile_options data_version database_list"
    " encoding foreign_keys freelist_count function_list journal_mode module_list page_count"
    " page_size pragma_list schema_version user_version"
)
_PRAGMAS_WITH_NAME = frozenset(_NAMED.split())
_PRAGMAS_BARE = frozenset(_BARE.split())
_MODULES_OF_THE_FILE = frozenset(("dbstat", "sqlite_dbpage", "sqlite_stmt"))
"""Virtual tables that show raw pages or walk through the whole file."""

_READS = frozenset((sqlite3.SQLITE_SELECT, sqlite3.SQLITE_READ, sqlite3.SQLITE_RECURSIVE))
_CHANGES = _READS | {
    sqlite3.SQLITE_INSERT,
    sqlite3.SQLITE_UPDATE,
    sqlite3.SQLITE_DELETE,
    sqlite3.SQLITE_CREATE_INDEX,
    sqlite3.SQLITE_CREATE_TABLE,
    sqlite3.SQLITE_CREATE_VIEW,
    sqlite3.SQLITE_DROP_INDEX,
    sqlite3.SQLITE_DROP_TABLE,
    sqlite3.SQLITE_DROP_VIEW,
    sqlite3.SQLITE_ALTER_TABLE,
    sqlite3.SQLITE_REINDEX,
}


def reading(action: int, first: str | None, second: str | None, *_: str | None) -> int:
    """Allow what only looks; refuse the rest. `first` and `second` depend on the action."""
    match action:
        case sqlite3.SQLITE_PRAGMA:
            return _allow_if(_pragma_reads(first, second))
        case sqlite3.SQLITE_READ:
            return _allow_if((first or "").lower() not in _MODULES_OF_THE_FILE)
        case sqlite3.SQLITE_UPDATE:
            return _allow_if(_describes_virtual_table(first))
        case _:
            return _allow_if(action in _READS or _known_function(action, second))


def changing(action: int, _first: str | None, second: str | None, *_: str | None) -> int:
    """Allow rows, tables and indexes to change; no ATTACH, PRAGMA, extension or transaction."""
    return _allow_if(action in _CHANGES or _known_function(action, second))


def is_bare(pragma: str | None) -> bool:
    """Tell whether a pragma is one of those that tell of no table."""
    return (pragma or "").lower() in _PRAGMAS_BARE


def explained(text: str) -> str:
    """Return a statement that prepares `text` and runs nothing of it."""
    first = text.split(maxsplit=1)[:1]
    return text if first and first[0].upper() == "EXPLAIN" else f"EXPLAIN {text}"


def _describes_virtual_table(table: str | None) -> bool:
    """Tell whether SQLite may be asking because it connects to `json_each` or a search table.

    It asks for an UPDATE of the schema then, which it does not do. A real one is refused by
    SQLite itself ("may not be modified") as long as `writable_schema` cannot be set.
    """
    return table == "sqlite_master"


def _pragma_reads(name: str | None, argument: str | None) -> bool:
    wanted = (name or "").lower()
    return wanted in _PRAGMAS_WITH_NAME or (argument is None and wanted in _PRAGMAS_BARE)


def _known_function(action: int, name: str | None) -> bool:
    return action == sqlite3.SQLITE_FUNCTION and (name or "").lower() in FUNCTIONS


def _allow_if(allowed: bool) -> int:  # noqa: FBT001  it is the question itself
    return sqlite3.SQLITE_OK if allowed else sqlite3.SQLITE_DENY


LENGTH = 32 * 1024 * 1024
"""Bytes of all the values that a statement may make at once, as far as that can be bounded."""

_SHORTEST = 64 * 1024  # bytes that every value may have, however many there are

_LIMITS = {
    sqlite3.SQLITE_LIMIT_LENGTH: LENGTH,
    sqlite3.SQLITE_LIMIT_SQL_LENGTH: 128 * 1024,
    sqlite3.SQLITE_LIMIT_EXPR_DEPTH: 500,
    sqlite3.SQLITE_LIMIT_COMPOUND_SELECT: 100,
    sqlite3.SQLITE_LIMIT_LIKE_PATTERN_LENGTH: 1_000,
    sqlite3.SQLITE_LIMIT_ATTACHED: 0,
    sqlite3.SQLITE_LIMIT_TRIGGER_DEPTH: 10,
    sqlite3.SQLITE_LIMIT_WORKER_THREADS: 0,
}


def lock(connection: sqlite3.Connection, authorizer: Authorizer, *, read_only: bool) -> None:
    """Set the limits and the authorizer; nothing the statement says can lift them."""
    for limit, value in _LIMITS.items():
        connection.setlimit(limit, value)
    connection.execute("PRAGMA trusted_schema = OFF")
    if read_only:
        connection.execute("PRAGMA query_only = ON")
    connection.set_authorizer(authorizer)


def bound(connection: sqlite3.Connection, cells: int) -> int:
    """Let no value be longer than its part of `LENGTH`; return that part, in bytes."""
    part = max(LENGTH // cells, _SHORTEST)
    connection.setlimit(sqlite3.SQLITE_LIMIT_LENGTH, part)
    return part
