"""Lists the nodes of sqlglot's trees that are understood, by class name. No other node is understood.

The lists follow sqlglot 30.30. If a release renames a class or parses syntax into a new one, statements become unknown
and are never wrongly understood.
"""

OPERATORS = frozenset(
    {
        *("Add", "And", "Between", "BitwiseAnd", "BitwiseLeftShift", "BitwiseNot", "BitwiseOr", "BitwiseRightShift"),
        *(
            "BitwiseXor",
            "DPipe",
            "Div",
            "EQ",
            "Escape",
            "GT",
            "GTE",
            "Glob",
            "ILike",
            "IntDiv",
            "Is",
            "LT",
            "LTE",
            "Like",
        ),
        *("Mod", "Mul", "NEQ", "Neg", "Not", "NullSafeEQ", "NullSafeNEQ", "Or", "SimilarTo", "Sub", "Xor"),
        *("ArrayContainsAll", "ArrayContainedBy", "ArrayOverlaps", "Factorial"),
    }
)
VALUES = frozenset(
    {
        *("Array", "Boolean", "Bracket", "ByteString", "Collate", "Dot", "HexString", "Literal", "National", "Null"),
        *("Paren", "PositionalColumn", "RawString", "Slice", "Struct", "ToMap", "Tuple", "Var", "BitString"),
        *("PropertyEQ", "Kwarg", "Lambda", "Comprehension", "Interval", "IntervalSpan", "AtTimeZone", "Case", "If"),
        *("Identifier", "Column", "Alias", "Aliases", "Star", "Columns", "Heredoc"),
    }
)
QUERIES = frozenset(
    {
        *("Select", "Union", "Intersect", "Except", "Subquery", "CTE", "With", "TableAlias", "From", "Join", "Lateral"),
        *("Table", "Unnest", "Values", "Where", "Group", "Having", "Qualify", "Order", "Ordered", "Limit", "Offset"),
        *("Distinct", "Window", "WindowSpec", "WithinGroup", "Filter", "IgnoreNulls", "RespectNulls", "GroupingSets"),
        *("Cube", "Rollup", "Fetch", "LimitOptions", "All", "Any", "Exists", "In", "HavingMax", "Pivot", "PivotAlias"),
        *("PivotAny", "UnpivotColumns"),
    }
)
TYPES = frozenset({"Cast", "TryCast", "DataType", "DataTypeParam", "ColumnDef", "IntervalOp"})
IN_CALLS = frozenset(
    {
        *(
            "AnyValue",
            "JSONPath",
            "JSONPathRoot",
            "JSONPathKey",
            "JSONPathSubscript",
            "JSONPathWildcard",
            "JSONKeyValue",
        ),
        *(
            "JSONPathSlice",
            "JSONPathRecursive",
            "JSONPathFilter",
            "JSONPathScript",
            "JSONPathSelector",
            "JSONPathUnion",
        ),
        *("WeekStart", "TimeUnit", "Variadic"),
    }
)
"""Nodes that a parser puts inside of a call and that call nothing themselves."""
OPERATOR_CALLS = frozenset(
    {
        *("Abs", "ApproxQuantile", "ArgMax", "ArgMin", "ArrayContains", "Cast", "Cbrt", "Ceil", "Chr", "Coalesce"),
        *("Decode", "Explode", "ExplodingGenerateSeries", "Extract", "Floor", "GenerateSeries", "GroupConcat"),
        *("Initcap", "IntDiv", "JSONArrayAgg", "JSONArrayContains", "JSONBContains", "JSONBContainsAllTopKeys"),
        *("JSONBContainsAnyTopKeys", "JSONBContainsTopKey", "JSONBDeleteAtPath", "JSONBExists", "JSONBExtract"),
        *("JSONBExtractScalar", "JSONExtract", "JSONExtractScalar", "JSONObject", "JSONObjectAgg", "Length", "Map"),
        *("Max", "Min", "Normalize", "Overlay", "PercentileCont", "PercentileDisc", "Pow", "Quantile"),
        *("RegexpFullMatch", "RegexpILike", "RegexpLike", "Sqrt", "StartsWith", "StrPosition", "Substring", "ToArray"),
        *("Trim",),
    }
)
"""Function classes that operators and syntax are parsed to, or that lack the position of the call."""
ALLOWED = OPERATORS | VALUES | QUERIES | TYPES | IN_CALLS | OPERATOR_CALLS

WRITES = frozenset(
    {
        *(
            "Create",
            "Delete",
            "Insert",
            "Merge",
            "OnConflict",
            "Properties",
            "Returning",
            "Schema",
            "TemporaryProperty",
        ),
        *("Update", "When", "Whens"),
    }
)
"""Nodes that are also understood in a hook."""

PARTS = {
    "Create": {"with_", "this", "kind", "expression", "exists", "properties", "replace", "indexes", "begin", "unique"},
    "Delete": {"with_", "this", "using", "where", "returning"},
    "Insert": {"with_", "this", "expression", "conflict", "returning", "by_name", "default"},
    "Merge": {"with_", "this", "using", "on", "whens", "returning"},
    "Update": {"with_", "this", "expressions", "from_", "where", "returning"},
    "Select": {
        *("with_", "expressions", "distinct", "from_", "laterals", "joins", "where", "group", "having", "qualify"),
        *("windows", "order", "limit", "offset", "sample"),
    },
    "Union": {"with_", "this", "expression", "distinct", "by_name", "order", "limit", "offset"},
    "Intersect": {"with_", "this", "expression", "distinct", "by_name", "order", "limit", "offset"},
    "Except": {"with_", "this", "expression", "distinct", "by_name", "order", "limit", "offset"},
    "Subquery": {"this", "alias", "with_", "joins", "laterals", "order", "limit", "offset", "sample", "pivots"},
    "Table": {"this", "alias", "db", "catalog", "laterals", "joins", "pivots", "ordinality", "only", "sample"},
    "CTE": {"this", "alias", "materialized"},
    "With": {"expressions", "recursive"},
    "Join": {"this", "on", "side", "kind", "using", "method", "match_condition", "expressions"},
    "Lateral": {"this", "alias", "ordinality", "view", "outer"},
    "Unnest": {"expressions", "alias", "offset"},
    "Window": {"this", "partition_by", "order", "spec", "alias", "over", "first"},
    "Values": {"expressions", "alias", "order", "limit", "offset"},
    "In": {"this", "expressions", "query", "field"},
    "Column": {"this", "table", "db", "catalog"},
    "Star": {"except_", "replace", "rename"},
    "Group": {"expressions", "grouping_sets", "cube", "rollup", "all"},
    "Limit": {"this", "expression", "offset", "limit_options"},
    "Cast": {"this", "to", "safe", "default"},
    "TryCast": {"this", "to", "safe", "requires_string"},
    "Pivot": {
        *("this", "alias", "expressions", "fields", "unpivot", "using", "group", "columns", "include_nulls", "into"),
        *("with_", "identify_pivot_strings", "prefixed_pivot_columns", "pivot_column_naming", "value_columns_first"),
    },
}
"""The parts of a node that are understood, by class. For classes that are not listed, all parts are."""

PLAIN_TYPES = frozenset(
    {
        *("ARRAY", "BIGINT", "BIGDECIMAL", "BIT", "BLOB", "BOOLEAN", "BPCHAR", "CHAR", "CIDR", "DATE", "DATETIME"),
        *("DECIMAL", "DOUBLE", "FLOAT", "INET", "INT", "INT128", "INT256", "INTERVAL", "JSON", "JSONB", "LIST", "MAP"),
        *("MEDIUMINT", "MONEY", "NCHAR", "NULL", "NVARCHAR", "ROW", "SMALLINT", "STRUCT", "TEXT", "TIME", "TIMESTAMP"),
        *("TIMESTAMPNTZ", "TIMESTAMPTZ", "TIMESTAMPLTZ", "TIMESTAMP_S", "TIMESTAMP_MS", "TIMESTAMP_NS", "TIME_NS"),
        *(
            "TINYINT",
            "UBIGINT",
            "UINT",
            "UINT128",
            "UNION",
            "USMALLINT",
            "UTINYINT",
            "UUID",
            "VARBINARY",
            "VARCHAR",
            "VARIANT",
        ),
        *("BIGNUM", "BINARY", "HUGEINT", "UHUGEINT", "POINT", "DATERANGE", "INT4RANGE", "INT8RANGE", "NUMRANGE"),
        *("TSRANGE", "TSTZRANGE", "NAME", "VARBIT", "TIMETZ"),
    }
)
"""Built-in types. Enums and domains are missing because the catalog defines them, and regclass because it reads it."""
BUILT_IN_TYPES = {
    "duckdb": frozenset({"guid", "time_ns", "timestamptz_ns", "uint16", "uint32", "uint64", "uint8", "varint"})
}
"""Built-in types that sqlglot takes for user-defined ones."""
CLOCK_TYPES = {"postgres": frozenset({"TIMETZ"})}
"""Types whose conversion reads the clock: PostgreSQL uses today's offset from UTC for a time with time zone."""
