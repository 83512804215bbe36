"""The SQL of a random project's nodes and tests: their text, right or with a defect."""

from tests.agreement.random_nodes import PACKAGE, Defect, Kind, Node, Project, SingularTest

_RUNTIME_JINJA = {
    Defect.JINJA: "{% if execute %}{{ exceptions.raise_compiler_error('the model gives up') }}{% endif %}\n",
    Defect.PYTHON: "{% if execute %}{{ 1 / 0 }}{% endif %}\n",
}
_NO = "select error('the hook says no')"


def step(node: Node) -> int:
    """Give what a node adds to every amount."""
    return int(node.name.lstrip("n")) % 7 + 1


def reference(project: Project, name: str, user: Node | None = None) -> str:
    """Write how a node is referred to in SQL and YAML."""
    node = project.node(name)
    package = f"'{PACKAGE}', " if node.package == PACKAGE else ""
    if node.kind is Kind.SOURCE:
        return f"source('{source_name(node)}', '{name}')"
    version = ", v=1" if node.versions and user is not None and user.pinned else ""
    return f"ref({package}'{name}'{version})"


def source_name(node: Node) -> str:
    """Give the name of the dbt source to which a raw table belongs; it is also its schema."""
    return "raw_extras" if node.package == PACKAGE else "raw"


def model_sql(project: Project, node: Node) -> str:
    """Write a model."""
    return f"{_RUNTIME_JINJA.get(node.defect, '')}{_config(node)}\n{_query(project, node)}\n"


def snapshot_sql(project: Project, node: Node) -> str:
    """Write a snapshot as people wrote it before there was a YAML form."""
    column = "no_such_column" if node.defect is Defect.SQL else "amount"
    return (
        f"{{% snapshot {node.name} %}}\n"
        f"{{{{ config(target_schema='kept', unique_key='id', strategy='check', check_cols=['amount']) }}}}\n"
        f"select id, {column} as amount from {{{{ {reference(project, node.parents[0], node)} }}}}\n"
        "{% endsnapshot %}\n"
    )


def seed_csv(node: Node) -> str:
    """Write the rows of a seed."""
    amounts = [str(number * step(node)) for number in range(1, 4)]
    if node.defect is Defect.COLUMN_TYPE:
        amounts[1] = "many"
    return "id,amount\n" + "".join(f"{number},{amount}\n" for number, amount in enumerate(amounts, 1))


def singular_sql(project: Project, test: SingularTest) -> str:
    """Write a singular data test: its parents are read, its rows are its own."""
    limits = test.limits
    options = {
        "severity": limits.severity,
        "warn_if": limits.warn_if,
        "error_if": limits.error_if,
        "fail_calc": limits.fail_calc,
    }
    config = ", ".join(f"{name}={value!r}" for name, value in options.items() if value is not None)
    read = "".join(
        f", (select count(*) from {{{{ {reference(project, name)} }}}}) as of_{name}" for name in test.parents
    )
    column = "no_such_column" if test.defect is Defect.SQL else "id"
    jinja = _RUNTIME_JINJA.get(test.defect, "")
    last = test.rows if test.defect is Defect.SAYS_NO else 0
    return f"{jinja}{{{{ config({config}) }}}}\nselect {column}{read} from range(1, {last + 1}) as rows(id)\n"


def raw_sql(project: Project) -> str:
    """Write what stands in the warehouse before anything runs."""
    hooks = ", ".join(f"('{hook.when} {hook.package}')" for hook in project.failing_hooks)
    lines = [
        "create schema raw; create schema raw_extras; create schema audit;",
        "create table audit.hooks (said varchar); create table audit.broken (hook varchar);",
        f"insert into audit.broken values {hooks};" if hooks else "",
    ]
    for node in _tables(project):
        rows = ", ".join(f"({number}, {number * step(node)})" for number in range(1, 4 + step(node) % 3))
        lines += [
            f"create table {source_name(node)}.{node.name} (id integer, amount integer);",
            f"insert into {source_name(node)}.{node.name} values {rows};",
        ]
    return "\n".join(lines)


def growth_sql(project: Project) -> str:
    """Write what happens to the raw tables before a second run."""
    return "\n".join(
        f"update {source_name(node)}.{node.name} set amount = amount + 1 where id = 2;"
        f"insert into {source_name(node)}.{node.name} values (9, 9);"
        for node in _tables(project)
    )


def _tables(project: Project) -> list[Node]:
    return [node for node in project.nodes if node.kind is Kind.SOURCE and node.defect is not Defect.MISSING]


def _config(node: Node) -> str:
    options: dict[str, object] = {"materialized": str(node.kind.value)}
    if node.kind is Kind.INCREMENTAL:
        options["incremental_strategy"] = node.variant
        if node.variant != "append":
            options["unique_key"] = "id"
    if node.alias:
        options["alias"] = f"{node.name} by another name"
    if node.schema is not None:
        options["schema"] = node.schema
    if node.tag is not None:
        options["tags"] = [node.tag]
    if not node.enabled:
        options["enabled"] = False
    if sum(map(ord, node.name)) % 4 == 0:  # not drawn, so that the same seeds draw the same projects
        options["on_error"] = "continue"
    before = [_NO] if node.defect is Defect.PRE_HOOK else []
    after = [_NO] if node.defect is Defect.POST_HOOK else []
    if node.hooked:
        before, after = [_said(node, "before"), *before], [*after, _said(node, "after")]
    options |= {name: hooks for name, hooks in (("pre_hook", before), ("post_hook", after)) if hooks}
    return "{{ config(" + ", ".join(f"{name}={value!r}" for name, value in options.items()) + ") }}"


def _said(node: Node, when: str) -> str:
    return f"insert into audit.hooks values ('{when} {node.name}')"


def _query(project: Project, node: Node) -> str:
    column = "no_such_column" if node.defect is Defect.SQL else "amount"
    above = " union all ".join(
        f"select id, amount from {{{{ {reference(project, name, node)} }}}}" for name in node.parents
    )
    above = above or "select * from (values (1, 1), (2, 2), (3, 3)) as made(id, amount)"
    if node.united:
        query = f"select distinct cast(id as integer) as id, cast({column} + {step(node)} as integer) as amount"
        return f"{query}\nfrom ({above}) as above"
    query = f"select cast(id as integer) as id, cast(max({column}) + {step(node)} as integer) as amount"
    later = ""
    if node.kind is Kind.INCREMENTAL and node.variant == "append":
        later = "\n{% if is_incremental() %}where id > (select max(id) from {{ this }}){% endif %}"
    return f"{query}\nfrom ({above}) as above{later}\ngroup by id"
