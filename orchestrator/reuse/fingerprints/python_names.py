"""Lists the names that are understood in a Python model: each returns the same for the same arguments."""


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


BUILTINS = _words("""
    len range sorted sum min max abs round zip enumerate map filter str int float bool complex list dict set tuple
    frozenset isinstance issubclass any all reversed iter next divmod pow chr ord bin hex oct format slice bytes
    bytearray callable hasattr print True False None NotImplemented Ellipsis __name__
    Exception ValueError TypeError KeyError IndexError AttributeError RuntimeError ZeroDivisionError ArithmeticError
    AssertionError LookupError StopIteration NotImplementedError OverflowError
    """)
"""`id` and `hash` are missing because their results differ in each process."""

IMPURE_BUILTINS = _words("open input id hash")
"""Builtins that are known to return a different result each time."""

VOLATILE_MODULES = _words("""
    random secrets requests httpx urllib urllib3 aiohttp http socket ftplib paramiko boto3 s3fs gcsfs fsspec
    subprocess
    time
    """)

VOLATILE_NAMES = _words("""
    now utcnow today uuid1 uuid4 urandom getenv environ random randint rand randn default_rng shuffle sample open
    read_csv read_parquet read_json read_excel read_sql read_sql_query read_sql_table read_table read_text
    read_bytes
    read_feather read_pickle read_html read_xml scan_csv scan_parquet urlopen
    """)

_PANDAS = _words("""
    DataFrame Series Index MultiIndex Timedelta NamedAgg NaT NA Categorical CategoricalDtype Interval concat merge
    isna isnull notna notnull melt pivot pivot_table crosstab cut qcut get_dummies to_numeric factorize unique
    Int64Dtype StringDtype BooleanDtype Float64Dtype date_range Timestamp to_datetime to_timedelta
    """)
_NUMPY = _words("""
    array asarray arange linspace zeros ones full zeros_like ones_like full_like where select nan inf pi e
    newaxis isnan
    isinf isfinite abs absolute sqrt exp log log2 log10 log1p expm1 sin cos tan arcsin arccos arctan arctan2
    floor ceil
    round rint trunc sign power square maximum minimum sum mean median std var min max argmin argmax argsort sort
    cumsum cumprod diff prod percentile quantile nanmean nansum nanmax nanmin nanmedian nanstd unique
    concatenate stack
    vstack hstack column_stack dot matmul isin in1d clip any all logical_and logical_or logical_not count_nonzero
    nan_to_num repeat tile ndarray int8 int16 int32 int64 uint8 uint16 uint32 uint64 float32 float64 bool_
    str_ object_
    number integer floating vectorize searchsorted digitize interp polyfit polyval outer cross transpose reshape
    """)
POLARS_EXPRESSIONS = _words("""
    col lit when all exclude sum mean min max count len concat_str struct coalesce duration date first last median
    n_unique std var any_horizontal all_horizontal sum_horizontal max_horizontal min_horizontal concat_list
    """)
"""Functions of polars that always return an expression, never a text."""
_POLARS = POLARS_EXPRESSIONS | _words("""
    DataFrame LazyFrame Series Expr concat from_pandas from_arrow from_dict from_dicts from_records Utf8 String Int8
    Int16 Int32 Int64 UInt8 UInt16 UInt32 UInt64 Float32 Float64 Boolean Date Datetime Duration Categorical
    Decimal List
    Struct
    """)
_PYARROW = _words("""
    table Table array Array chunked_array ChunkedArray RecordBatch record_batch schema Schema field concat_tables
    int8 int16 int32 int64 uint8 uint16 uint32 uint64 float16 float32 float64 string utf8 large_string bool_ date32
    date64 timestamp time32 time64 decimal128 list_ struct dictionary binary null scalar
    """)
_COMPUTE = _words("""
    sum mean min max min_max count count_distinct add subtract multiply divide equal not_equal greater greater_equal
    less less_equal and_ or_ invert is_null is_valid is_in fill_null if_else cast filter take sort_indices unique
    value_counts round abs sqrt power utf8_upper utf8_lower utf8_trim_whitespace utf8_length field scalar coalesce
    """)

MODULES = {
    "__future__": _words("annotations"),
    "pandas": _PANDAS,
    "numpy": _NUMPY,
    "numpy.linalg": _words("norm inv det solve lstsq eig eigh svd pinv matrix_rank"),
    "polars": _POLARS,
    "pyarrow": _PYARROW,
    "pyarrow.compute": _COMPUTE,
    "math": _words("""
        acos acosh asin asinh atan atan2 atanh cbrt ceil comb copysign cos cosh degrees dist e erf erfc
        exp exp2 expm1
        fabs factorial floor fmod frexp fsum gamma gcd hypot inf isclose isfinite isinf isnan isqrt lcm
        ldexp lgamma log
        log10 log1p log2 modf nan nextafter perm pi pow prod radians remainder sin sinh sqrt tan tanh tau trunc ulp
        """),
    "decimal": _words("""
        Decimal ROUND_HALF_UP ROUND_HALF_EVEN ROUND_HALF_DOWN ROUND_UP ROUND_DOWN ROUND_CEILING ROUND_FLOOR
        InvalidOperation DivisionByZero
        """),
    "fractions": _words("Fraction"),
    "statistics": _words("""
        mean fmean geometric_mean harmonic_mean median median_low median_high mode multimode quantiles
        pstdev pvariance
        stdev variance correlation covariance linear_regression
        """),
    "re": _words("""
        compile search match fullmatch split findall finditer sub subn escape IGNORECASE I MULTILINE M
        DOTALL S VERBOSE
        X ASCII A Pattern Match
        """),
    "json": _words("loads dumps JSONDecodeError"),
    "itertools": _words("""
        accumulate batched chain combinations combinations_with_replacement compress count cycle
        dropwhile filterfalse
        groupby islice pairwise permutations product repeat starmap takewhile tee zip_longest
        """),
    "functools": _words("reduce partial lru_cache cache cmp_to_key wraps"),
    "operator": _words(
        "itemgetter add sub mul truediv floordiv mod neg eq ne lt le gt ge and_ or_ not_ concat contains"
    ),
    "collections": _words("Counter defaultdict OrderedDict deque ChainMap"),
    "collections.abc": _words("""
        Callable Iterable Iterator Mapping MutableMapping Sequence MutableSequence Collection Generator Hashable Set
        """),
    "datetime": _words("datetime date time timedelta timezone UTC MINYEAR MAXYEAR"),
    "calendar": _words("monthrange isleap leapdays weekday MONDAY SUNDAY"),
    "string": _words("""
        ascii_letters ascii_lowercase ascii_uppercase digits hexdigits octdigits punctuation whitespace
        printable capwords
        Template
        """),
    "textwrap": _words("dedent indent fill wrap shorten"),
    "unicodedata": _words("normalize category combining name"),
    "bisect": _words("bisect bisect_left bisect_right insort insort_left insort_right"),
    "uuid": _words("UUID uuid3 uuid5 NAMESPACE_DNS NAMESPACE_URL NAMESPACE_OID NAMESPACE_X500"),
    "hashlib": _words("md5 sha1 sha224 sha256 sha384 sha512 blake2b blake2s"),
    "base64": _words("b64encode b64decode urlsafe_b64encode urlsafe_b64decode b32encode b32decode b16encode b16decode"),
    "copy": _words("copy deepcopy"),
    "warnings": _words("filterwarnings simplefilter"),
    "typing": _words("""
        Any Optional Union List Dict Tuple Set FrozenSet Callable Iterable Iterator Mapping Sequence Literal Final
        TYPE_CHECKING cast TypeAlias Generator
        """),
}
"""The members that are understood, by module."""

OWN_ENTRY = _words("get meta_get require meta_require")
"""Methods of `dbt.config` that read the node's configuration."""
THIS = _words("database schema identifier table name")

STORED = _words("columns index name names")
"""Attributes of data frames and series that may be set."""

_TEXT_AND_CONTAINERS = _words("""
    lower upper title capitalize casefold swapcase strip lstrip rstrip split rsplit splitlines partition rpartition
    startswith endswith removeprefix removesuffix replace find rfind index rindex count zfill ljust rjust
    center encode
    decode isdigit isalpha isalnum isnumeric isdecimal isspace isupper islower isidentifier translate maketrans join
    format expandtabs hex fromhex append extend insert pop remove reverse clear copy sort get items keys
    values setdefault fromkeys popleft appendleft rotate most_common elements total move_to_end digest
    hexdigest
    group groups groupdict start end span search match fullmatch findall finditer sub subn substitute
    safe_substitute
    from_iterable cache_clear
    """)
_NUMBERS_AND_DATES = _words("""
    quantize to_integral_value as_tuple is_nan is_finite is_infinite is_integer as_integer_ratio numerator
    denominator
    sqrt ln exp real imag conjugate year month day hour minute second microsecond weekday isoweekday isocalendar
    isoformat strftime strptime fromisoformat fromordinal toordinal combine date time days seconds microseconds
    total_seconds utc min max resolution timetuple tzinfo utcoffset
    """)
_FRAMES = _words("""
    T abs add agg aggregate all any apply applymap argmax argmin argsort assign astype at axes bfill between
    cat clip
    columns combine_first corr cov cummax cummin cumprod cumsum describe diff div dot drop drop_duplicates droplevel
    dropna dt dtype dtypes duplicated empty eq equals expanding explode ffill fillna filter first floordiv
    ge get_group
    ewm groupby gt head iat idxmax idxmin iloc infer_objects insert interpolate isin isna isnull items iterrows
    itertuples join kurt last le loc lt map mask max mean median melt merge min mod mode mul
    ndim ne ngroup
    nlargest notna notnull nsmallest nth nunique pct_change pipe pivot pivot_table pop pow prod product
    quantile rank
    reindex rename rename_axis replace reset_index rolling round sem set_axis set_index shape shift size
    skew sort_index
    sort_values squeeze stack std str sub sum swaplevel tail take to_dict to_frame to_list to_numpy to_pandas tolist
    to_records transform transpose truediv unique unstack value_counts values var where xs cumcount ravel
    reshape flatten
    from_dict from_records from_tuples from_arrays from_product get_level_values levels categories codes contains
    extract extractall len pad slice wrap cat get quarter dayofweek day_name month_name days_in_month
    normalize dayofyear
    is_month_start is_month_end is_quarter_start is_quarter_end is_year_start is_year_end floor ceil tz_localize
    tz_convert resample asfreq nanmean item astimezone to_period to_timestamp infer_freq query eval name names index
    """)
_POLARS_METHODS = _words("""
    select with_columns group_by sort collect lazy alias cast over is_in is_null is_not_null is_nan
    fill_null fill_nan
    drop_nulls drop_nans then otherwise when sum_horizontal n_unique unique map_elements to_arrow to_dicts rows row
    columns schema height width with_row_index limit slice gather explode unpivot join vstack hstack extend rename
    struct field list str dt strip_chars to_lowercase to_uppercase to_integer replace_all len_chars starts_with
    ends_with round floor ceil log exp abs sign pow not_ and_ or_ is_between cum_sum cum_count rolling_mean
    rolling_sum
    implode flatten arr first last get_column to_series iter_rows is_empty truncate offset_by ordinal_day
    total_days total_hours total_minutes total_seconds
    """)
_ARROW_METHODS = _words("""
    read_all to_pylist to_pydict to_pandas column column_names num_rows num_columns schema field append_column
    add_column set_column remove_column rename_columns select_columns combine_chunks from_pandas from_pydict
    from_pylist
    from_arrays from_batches to_batches cast as_py sort_by group_by filter slice chunks type
    """)
_RELATION_METHODS = _words("""
    df to_df fetchdf pl arrow to_arrow_table fetch_arrow_table fetchall fetchone fetchmany fetchnumpy project select
    filter aggregate order sort distinct limit union except_ intersect join cross set_alias alias columns
    types dtypes
    shape count sum avg min max mean median mode first last any_value product
    """)
METHODS = _TEXT_AND_CONTAINERS | _NUMBERS_AND_DATES | _FRAMES | _POLARS_METHODS | _ARROW_METHODS | _RELATION_METHODS
"""Attributes that may be read from any object: texts, containers, numbers, dates, data frames, DuckDB relations."""

SQL_METHODS = _words("""
    project select filter aggregate agg group_by order sort distinct join rename with_columns drop unique
    value_counts
    pivot unpivot count sum avg min max mean median mode first last any_value product quantile std var rank
    list lag lead
    unnest
    """)
"""Methods of DuckDB's relations that execute a text as SQL. Data frames have methods with the same names."""
SAFE_KEYWORDS = _words("""
    items like regex axis how lsuffix rsuffix sort left_on right_on left_index right_index suffixes validate
    ascending descending by inplace ignore_index subset keep level as_index dropna observed numeric_only skipna
    index method pct normalize bins min_count ddof errors na_action interpolation nulls_last maintain_order key
    """)
"""Parameters that DuckDB's relations do not have, or do not execute."""

FUNCTION_METHODS = _words("agg aggregate apply transform pipe")
"""Methods of data frames that call another method by name."""
ONLY_CALLED = SQL_METHODS | FUNCTION_METHODS | _words("query eval format insert join pivot_table")
"""Methods whose arguments are checked. They may only be called: bound to another name, they would escape the check."""
FUNCTION_KEYWORDS = _words("aggfunc func")
FUNCTION_NAMES = _words("""
    sum mean median min max count size nunique first last std var sem prod any all quantile skew mad mode
    idxmax idxmin
    cumsum cumprod cummax cummin cumcount shift diff rank ffill bfill pct_change abs len
    """)
"""Methods that may be called by name."""
