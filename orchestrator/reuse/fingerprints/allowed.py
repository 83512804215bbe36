"""The lists of what is understood in a Jinja template: names of dbt's context, methods, filters and tests.

They follow dbt-core 1.12 (`dbt/context/`), which has all names of 1.11, dbt-adapters 1.24 and Jinja 3.1. What is on
no list is not understood.
"""

PURE_VALUES = frozenset(
    {"this", "schema", "database", "project_name", "dbt_version", "_dbt_generic_test_kwargs", "null"}
)
"""Values of dbt's context that depend only on the node and the versions; `null` is always undefined."""

TARGET_VALUES = frozenset({"target", "env"})
"""The profile's target, under both of its names."""

ASKING_VALUES = frozenset({"graph", "execute"})
"""Values that are complete only when dbt executes."""

VOLATILE_VALUES = frozenset(
    {
        *("run_started_at", "invocation_id", "thread_id", "invocation_args_dict", "selected_resources"),
        *("dbt_metadata_envs", "sql_now", "otel_trace_id", "otel_span_id"),
    }
)
"""Values that differ in each run."""

PURE_FUNCTIONS = frozenset(
    {
        *("ref", "source", "function", "log", "print", "return", "fromjson", "tojson", "fromyaml", "toyaml"),
        *("zip", "zip_strict", "local_md5", "diff_of_two_dicts", "range", "dict", "namespace", "cycler", "joiner"),
    }
)
"""Functions of dbt's context and of Jinja whose result depends only on their arguments and the node."""

SETS = frozenset({"set", "set_strict"})
"""Functions whose result has a different order in each process."""
ORDER_OF_A_SET = "the order of a set"

OBJECTS = frozenset(
    {"adapter", "api", "builtins", "config", "context", "exceptions", "flags", "model", "modules", "var", "env_var"}
)
"""Names of dbt's context with their own rules."""

CLOCK_MACROS = frozenset(
    {
        *("current_timestamp", "current_timestamp_backcompat", "current_timestamp_in_utc_backcompat"),
        *("current_timestamp_in_utc", "get_current_timestamp", "snapshot_get_time", "py_current_timestring"),
    }
)
"""Macros of dbt and of well-known packages that return the current time."""

ASKING_MACROS = frozenset(
    {
        *("run_query", "statement", "load_relation", "load_cached_relation", "get_columns_in_query"),
        *("get_column_schema_from_query", "get_columns_in_relation", "load_agate_table"),
    }
)
"""Macros of dbt that query the warehouse."""

TRIES = "try_or_compiler_error"
"""A function of dbt's context that calls the function passed to it."""

ASKING_FUNCTIONS = frozenset({"load_result"})
"""Functions of dbt's context whose result comes from the warehouse."""

BESIDE_THE_SQL = frozenset({"is_incremental", "should_full_refresh", "set_sql_header", "load_cached_relation"})
"""Macros of dbt whose effect is more than the SQL that compiling shows now."""

CLOCK_METHODS = frozenset({"now", "utcnow", "today"})
"""Methods that read the clock, on any object."""

PURE_ADAPTER_METHODS = frozenset(
    {
        *("quote", "type", "is_cancelable", "render_raw_columns_constraints", "render_raw_model_constraints"),
        *("convert_datetimes_to_strs", "standardize_grants_dict", "parse_index", "escape_sql_string"),
        *("get_binding_char", "valid_incremental_strategies", "get_hard_deletes_behavior", "warn_once"),
        "verify_database",
    }
)
"""Methods of `adapter` whose result depends only on their arguments and the version of the adapter."""

ASKING_ADAPTER_METHODS = frozenset(
    {
        *("get_columns_in_relation", "get_columns_in_table", "get_column_schema_from_query", "get_missing_columns"),
        *("get_relation", "already_exists", "check_schema_exists", "list_relations", "list_schemas"),
        *("list_relations_without_caching", "get_partitions_metadata", "existing_key_constraint_types"),
        *("quote_as_configured", "quote_seed_column", "external_root", "is_ducklake", "is_motherduck"),
    }
)
"""Methods of `adapter` that only read: from the warehouse, or from settings whose effect only compiling shows."""

CONFIG_READERS = frozenset(
    {"get", "require", "meta_get", "meta_require", "persist_relation_docs", "persist_column_docs"}
)

EXCEPTIONS = frozenset(
    {
        *("warn", "missing_config", "missing_materialization", "missing_relation", "raise_ambiguous_alias"),
        *("raise_ambiguous_catalog_match", "raise_cache_inconsistent", "raise_dataclass_not_dict"),
        *("raise_compiler_error", "raise_database_error", "raise_dep_not_found", "raise_dependency_error"),
        *("raise_duplicate_patch_name", "raise_duplicate_resource_name", "raise_invalid_property_yml_version"),
        *("raise_not_implemented", "relation_wrong_type", "raise_contract_error", "column_type_missing"),
        *("raise_fail_fast_error", "warn_snapshot_timestamp_data_types"),
    }
)

MODEL_FIELDS = frozenset(
    {
        *("name", "alias", "schema", "database", "identifier", "relation_name", "unique_id", "resource_type"),
        *("package_name", "path", "original_file_path", "fqn", "language", "raw_code"),
        *("config", "tags", "meta", "description", "columns"),
    }
)
"""Fields of a node's entry in the manifest that parts of the fingerprint cover.

Other fields may differ in each run (`created_at`, `build_path`) or depend on other files that describe the node. Only
compiling shows them.
"""

MODULES = {
    "datetime": frozenset({"date", "datetime", "time", "timedelta", "tzinfo"}),
    "pytz": frozenset(
        {
            *("timezone", "utc", "UTC", "FixedOffset", "country_timezones", "country_names", "all_timezones"),
            *("common_timezones", "BaseTzInfo"),
            *("AmbiguousTimeError", "InvalidTimeError", "NonExistentTimeError", "UnknownTimeZoneError"),
        }
    ),
    "re": frozenset(
        {
            *("match", "fullmatch", "search", "sub", "subn", "split", "findall", "finditer", "compile", "escape"),
            *("A", "I", "M", "S", "X", "U", "ASCII", "IGNORECASE", "MULTILINE", "DOTALL", "VERBOSE", "UNICODE"),
            *("NOFLAG", "RegexFlag", "error", "Pattern", "Match"),
        }
    ),
    "itertools": frozenset(
        {
            *("count", "cycle", "repeat", "accumulate", "chain", "compress", "islice", "starmap", "tee"),
            *("zip_longest", "product", "permutations", "combinations", "combinations_with_replacement"),
        }
    ),
}
"""The members of `modules` without those that read the clock. Their results depend only on their arguments."""

_OF_TEXT = frozenset(
    {
        *("capitalize", "casefold", "center", "count", "encode", "decode", "endswith", "expandtabs", "find"),
        *("format", "format_map", "index", "isalnum", "isalpha", "isascii", "isdecimal", "isdigit", "isidentifier"),
        *("islower", "isnumeric", "isprintable", "isspace", "istitle", "isupper", "join", "ljust", "lower"),
        *("lstrip", "maketrans", "partition", "removeprefix", "removesuffix", "replace", "rfind", "rindex"),
        *("rjust", "rpartition", "rsplit", "rstrip", "split", "splitlines", "startswith", "strip", "swapcase"),
        *("title", "translate", "upper", "zfill"),
    }
)
_OF_COLLECTIONS = frozenset(
    {
        *("append", "clear", "copy", "extend", "insert", "pop", "remove", "reverse", "sort", "fromkeys", "get"),
        *("items", "keys", "popitem", "setdefault", "update", "values", "add", "difference", "difference_update"),
        *("discard", "intersection", "intersection_update", "isdisjoint", "issubset", "issuperset"),
        *("symmetric_difference", "symmetric_difference_update", "union"),
    }
)
_OF_NUMBERS = frozenset(
    {
        *("as_integer_ratio", "bit_length", "is_integer", "hex", "conjugate", "quantize", "normalize"),
        *("to_integral_value", "to_integral_exact", "copy_abs", "adjusted", "as_tuple", "is_nan", "is_finite"),
    }
)
_OF_DATES = frozenset(
    {
        *("strftime", "strptime", "isoformat", "fromisoformat", "fromisocalendar", "fromordinal", "toordinal"),
        *("combine", "date", "time", "timetz", "timetuple", "weekday", "isoweekday", "isocalendar"),
        *("total_seconds", "utcoffset", "tzname", "dst", "localize", "timedelta", "datetime", "timezone"),
    }
)
_OF_MATCHES = frozenset(
    {
        *("match", "fullmatch", "search", "sub", "subn", "findall", "finditer", "group", "groups", "groupdict"),
        *("start", "end", "span", "expand"),
    }
)
_OF_RELATIONS = frozenset(
    {
        *("include", "quote", "render", "render_limited", "incorporate", "replace_path", "matches"),
        *("without_identifier", "information_schema", "information_schema_only", "quoted", "create"),
        *("create_from", "create_ephemeral_from", "add_ephemeral_prefix", "get_default_quote_policy"),
        *("get_default_include_policy", "relation_max_name_length", "scd_args"),
    }
)
_OF_COLUMNS = frozenset(
    {
        *("is_string", "is_number", "is_float", "is_integer", "is_numeric", "is_struct", "flatten", "string_size"),
        *("can_expand_to", "literal", "string_type", "numeric_type", "translate_type", "from_description"),
    }
)
_OF_QUERY_RESULTS = frozenset(
    {
        *("print_table", "select", "exclude", "limit", "distinct", "order_by", "rename", "dict"),
        *("values_distinct", "values_without_nulls", "values_sorted", "values_without_nulls_sorted"),
    }
)
_OF_JINJA = frozenset({"cycle", "changed", "next", "reset"})
METHODS = (
    _OF_TEXT
    | _OF_COLLECTIONS
    | _OF_NUMBERS
    | _OF_DATES
    | _OF_MATCHES
    | _OF_RELATIONS
    | _OF_COLUMNS
    | _OF_QUERY_RESULTS
    | _OF_JINJA
    | CONFIG_READERS
)
"""Methods that may be called on any value. Their result depends only on the value and the arguments."""

MUTATORS = frozenset(
    {
        *("append", "clear", "extend", "insert", "pop", "remove", "reverse", "sort", "popitem", "setdefault"),
        *("update", "add", "discard", "difference_update", "intersection_update", "symmetric_difference_update"),
    }
)
"""Methods that change the value. This is harmless unless other nodes share the value."""

OF_OBJECTS_ONLY = frozenset(
    {
        *(
            "execute",
            "run_query",
            "dispatch",
            "add_query",
            "get_columns_in_relation",
            "get_relation",
            "submit_python_job",
        ),
        *("list_relations", "list_schemas", "create_schema", "drop_schema", "drop_relation", "rename_relation"),
        *("truncate_relation", "commit", "connections", "credentials", "call_macro", "get_template", "run_started_at"),
        *("invocation_id", "to_csv", "to_json", "from_csv", "from_json", "location_exists", "context_macro_stack"),
    }
)
"""Attributes that no plain value has. Reading one shows that the name is bound to something else."""

FILTERS = frozenset(
    {
        *("abs", "attr", "batch", "capitalize", "center", "count", "d", "default", "dictsort", "e", "escape"),
        *("filesizeformat", "first", "float", "forceescape", "format", "groupby", "indent", "int", "items", "join"),
        *("last", "length", "list", "lower", "map", "max", "min", "pprint", "reject", "rejectattr", "replace"),
        *("reverse", "round", "safe", "select", "selectattr", "slice", "sort", "string", "striptags", "sum"),
        *("title", "tojson", "trim", "truncate", "unique", "upper", "urlencode", "urlize", "wordcount"),
        *("wordwrap", "xmlattr"),
        *("as_text", "as_bool", "as_native", "as_number", "is_list"),  # added by dbt
    }
)
ORDERLESS_FILTERS = frozenset({"length", "count"})
"""Filters that hide the order of a set.

`sort` does so only if it is case-sensitive. Otherwise texts that differ only in case keep the order of the set.
"""

TESTS = frozenset(
    {
        *("!=", "<", "<=", "==", ">", ">=", "boolean", "callable", "defined", "divisibleby", "eq", "equalto"),
        *("escaped", "even", "false", "filter", "float", "ge", "greaterthan", "gt", "in", "integer", "iterable"),
        *("le", "lessthan", "lower", "lt", "mapping", "ne", "none", "number", "odd", "sameas", "sequence"),
        *("string", "test", "true", "undefined", "upper"),
    }
)

CONTEXT = (
    PURE_VALUES | TARGET_VALUES | ASKING_VALUES | VOLATILE_VALUES | PURE_FUNCTIONS | SETS | ASKING_FUNCTIONS | OBJECTS
)
"""Every name of dbt's context that is understood."""
