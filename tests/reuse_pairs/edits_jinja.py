"""Edits of what Jinja reads: macros, configuration, vars, flags, the target, the graph."""

from random import Random

from tests.reuse_pairs.parts import (
    BOTH,
    DUCKDB,
    JINJA,
    NOTHING,
    Part,
    built,
    drawer,
    table,
    view,
)

MACRO_CALLS = (
    "{{{{ {p}_f() }}}}",
    "{{{{ {p}_outer() }}}}",
    "{{% set f = {p}_f %}}{{{{ f() }}}}",
    "{{% set f = context.get('{p}_f') %}}{{{{ f() }}}}",
    "{{{{ context['{p}_f']() }}}}",
    "{{{{ pairs.{p}_f() }}}}",
    "{{% set own = pairs %}}{{{{ own.{p}_f() }}}}",
    "{{% set own = pairs %}}{{{{ own['{p}_f']() }}}}",
    "{{{{ {p}_dispatched() }}}}",
    "{{{{ {p}_pack.packed() }}}}",
    "{{% set pack = {p}_pack %}}{{{{ pack['packed']() }}}}",
    "{{{{ {p}_given({p}_f) }}}}",
)


@drawer(JINJA, *BOTH)
def macro_body_changes(draw: Random, p: str, adapter: str) -> Part:
    """The body of a macro changes that the code reaches in one of many ways."""
    call = draw.choice(MACRO_CALLS).format(p=p)
    macros = (
        f"{{% macro {p}_f() %}}'one'{{% endmacro %}}\n"
        f"{{% macro {p}_outer() %}}{{{{ {p}_f() }}}}{{% endmacro %}}\n"
        f"{{% macro {p}_given(f) %}}{{{{ f() }}}}{{% endmacro %}}\n"
        f"{{% macro {p}_dispatched() %}}{{{{ adapter.dispatch('{p}_dispatched', 'pairs')() }}}}{{% endmacro %}}\n"
        f"{{% macro default__{p}_dispatched() %}}'one'{{% endmacro %}}\n"
    )
    own, packed = f"macros/{p}.sql", f"dbt_packages/{p}_pack/macros/packed.sql"

    def edit(bench):
        for file in (own, packed):
            bench.replace(file, "'one'", "'two'")

    return Part(
        variant=call,
        files={
            own: macros,
            packed: "{% macro packed() %}'one'{% endmacro %}\n",
            f"dbt_packages/{p}_pack/dbt_project.yml": f"name: {p}_pack\nversion: '1.0'\nconfig-version: 2\n",
            f"models/{p}_said.sql": built(draw, f"select 1 as id, {call} as v"),
        },
        outputs=(f"{p}_said",),
        edit=edit,
    )


CONFIG_READS = (
    "{{{{ {p}_th(config) }}}}",
    "{{% set c = config %}}{{{{ c.get('meta', {{}}).get('threshold', 'none') }}}}",
    "{{{{ config.get('meta').threshold }}}}",
    "{{{{ config['get']('meta')['threshold'] }}}}",
    "{{{{ config.meta_get('threshold') }}}}",
    "{{{{ config.require('meta')['threshold'] }}}}",
    "{{{{ model.config.meta.threshold }}}}",
    "{{{{ model['config']['meta']['threshold'] }}}}",
    "{{{{ model.meta.threshold }}}}",
    "{{{{ {p}_whole() }}}}",
    (
        "{{% for node in graph.nodes.values() if node.name == '{p}_conf' %}}"
        "{{{{ node.config.meta.threshold }}}}{{% endfor %}}"
    ),
)


@drawer(JINJA, *BOTH)
def config_passed_on_changes(draw: Random, p: str, adapter: str) -> Part:
    """A key of `meta` changes that the code or a macro reads off the configuration."""
    read = draw.choice(CONFIG_READS).format(p=p)
    yml = f"models/{p}.yml"
    return Part(
        variant=read,
        files={
            yml: f"models:\n  - {{name: {p}_conf, config: {{meta: {{threshold: five}}}}}}\n",
            f"macros/{p}.sql": f"{{% macro {p}_th(cfg) %}}{{{{ cfg.meta_get('threshold') }}}}{{% endmacro %}}\n"
            f"{{% macro {p}_whole() %}}{{{{ model.config.meta.threshold }}}}{{% endmacro %}}\n",
            f"models/{p}_conf.sql": built(draw, f"select 1 as id, '{read}' as v"),
        },
        outputs=(f"{p}_conf",),
        edit=lambda bench: bench.replace(yml, "five", "nine"),
    )


@drawer(JINJA, *BOTH)
def description_that_is_read_changes(draw: Random, p: str, adapter: str) -> Part:
    """A description, tag or owner changes that the code reads."""
    key, read = draw.choice(
        (
            ("description: 'five'", "{{ model.description }}"),
            ("config: {tags: [five]}", "{{ model.tags | join }}"),
            ("config: {tags: [five]}", "{{ model.config.tags | join }}"),
            ("columns: [{name: v, description: five}]", "{{ model.columns.v.description }}"),
        )
    )
    yml = f"models/{p}.yml"
    return Part(
        variant=f"{key}: {read}",
        files={
            yml: f"models:\n  - name: {p}_read\n    {key}\n",
            f"models/{p}_read.sql": table(f"select 1 as id, '{read}' as v"),
        },
        outputs=(f"{p}_read",),
        edit=lambda bench: bench.replace(yml, "five", "nine"),
    )


@drawer(JINJA, *BOTH)
def var_changes(draw: Random, p: str, adapter: str) -> Part:
    """A var changes, on the command line or in dbt_project.yml."""
    read = draw.choice(
        (
            f"{{{{ var('{p}_v') }}}}",
            f"{{{{ var('{p}' ~ '_v', 'none') }}}}",
            f"{{{{ builtins.var('{p}_v') }}}}",
            f"{{% set v = var %}}{{{{ v('{p}_v') }}}}",
            f"{{% if var.has_var('{p}_v') %}}{{{{ var('{p}_v') }}}}{{% endif %}}",
            f"{{{{ {p}_reads() }}}}",
        )
    )
    files = {
        f"models/{p}_var.sql": built(draw, f"select 1 as id, '{read}' as v"),
        f"macros/{p}.sql": f"{{% macro {p}_reads() %}}{{{{ var('{p}_v') }}}}{{% endmacro %}}\n",
    }
    if draw.random() < 0.5:
        spoken: tuple[dict[str, object], dict[str, object]] = ({f"{p}_v": "one"}, {f"{p}_v": "two"})
        return Part(variant=f"{read}: --vars", files=files, outputs=(f"{p}_var",), vars=spoken)
    return Part(
        variant=f"{read}: dbt_project.yml",
        files=files,
        outputs=(f"{p}_var",),
        project={"vars": {f"{p}_v": f"one_{p}"}},
        edit=lambda bench: bench.replace("dbt_project.yml", f"one_{p}", f"two_{p}"),
    )


@drawer(JINJA, *BOTH)
def variable_of_the_environment_changes(draw: Random, p: str, adapter: str) -> Part:
    """A variable of the environment changes, is set or is removed."""
    name = f"PAIRS_{p.upper()}"
    read = draw.choice(
        (
            f"{{{{ env_var('{name}', 'none') }}}}",
            f"{{% set e = env_var %}}{{{{ e('{name}', 'none') }}}}",
            f"{{{{ builtins.env_var('{name}', 'none') }}}}",
            f"{{{{ env_var('PAIRS_' ~ '{p.upper()}', 'none') }}}}",
        )
    )
    before, after = draw.choice((({name: "one"}, {name: "two"}), ({}, {name: "two"}), ({name: "one"}, {})))
    return Part(
        variant=f"{read}: {before} becomes {after}",
        files={f"models/{p}_env.sql": built(draw, f"select 1 as id, '{read}' as v")},
        outputs=(f"{p}_env",),
        environment=(before, after),
    )


@drawer(NOTHING, *BOTH, harmless=True)
def branch_not_taken_changes(draw: Random, p: str, adapter: str) -> Part:
    """The text of a branch changes that is not taken, in the code or in a macro."""
    branch = "{% if target.name == 'production' %}'never'{% else %}'ever'{% endif %}"
    file = draw.choice((f"models/{p}_branch.sql", f"macros/{p}.sql"))
    code = branch if file.startswith("models") else f"{{{{ {p}_branched() }}}}"
    files = {
        f"macros/{p}.sql": f"{{% macro {p}_branched() %}}{branch}{{% endmacro %}}\n",
        f"models/{p}_branch.sql": table(f"select 1 as id, {code} as v"),
    }
    return Part(
        variant=file,
        files=files,
        outputs=(f"{p}_branch",),
        edit=lambda bench: bench.replace(file, "'never'", "'not ever'"),
    )


@drawer(JINJA, *BOTH)
def full_refresh_flag(draw: Random, p: str, adapter: str) -> Part:
    """The code reads the flag of a full refresh, which one of the two runs has."""
    read = draw.choice(
        (
            "flags.FULL_REFRESH",
            "flags['FULL_REFRESH']",
            "should_full_refresh()",
            "invocation_args_dict.get('full_refresh', False)",
            f"{p}_of(flags)",
        )
    )
    first, second = draw.choice(((("--full-refresh",), ()), ((), ("--full-refresh",))))
    return Part(
        variant=f"{read}: {first} then {second}",
        files={
            f"macros/{p}.sql": f"{{% macro {p}_of(f) %}}{{{{ f.FULL_REFRESH }}}}{{% endmacro %}}\n",
            f"models/{p}_flag.sql": table(f"select 1 as id, 'full: {{{{ {read} }}}}' as v"),
        },
        outputs=(f"{p}_flag",),
        first=first,
        second=second,
    )


@drawer(JINJA, DUCKDB)
def target_changes(draw: Random, p: str, adapter: str) -> Part:
    """The code reads the target; the second run has another one, in the same database."""
    read, old, new = draw.choice(
        (
            ("target.name", "target: dev", "target: twin"),
            ("target['name']", "target: dev", "target: twin"),
            ("target.threads", "threads: 2", "threads: 1"),
            ("target.get('name')", "target: dev", "target: twin"),
        )
    )
    return Part(
        variant=f"{read}: {new}",
        files={f"models/{p}_aimed.sql": built(draw, f"select 1 as id, '{{{{ {read} }}}}' as v")},
        outputs=(f"{p}_aimed",),
        edit=lambda bench: bench.replace("profiles.yml", old, new),
    )


MOMENTS = ("run_started_at", "invocation_id", "modules.datetime.datetime.now()", "modules['datetime'].datetime.now()")


@drawer(JINJA, *BOTH)
def jinja_asks_the_clock(draw: Random, p: str, adapter: str) -> Part:
    """Nothing is edited, and Jinja asks the clock: the node runs all the same."""
    read = draw.choice((*MOMENTS, f"{p}_now()", f"{p}_mods(modules)", "dbt.type_string() ~ run_started_at"))
    macro = (
        f"{{% macro {p}_now() %}}{{{{ run_started_at }}}}{{% endmacro %}}\n"
        f"{{% macro {p}_mods(m) %}}{{{{ m.datetime.datetime.now() }}}}{{% endmacro %}}\n"
    )
    return Part(
        variant=read,
        files={f"macros/{p}.sql": macro, f"models/{p}_now.sql": table(f"select 1 as id, '{{{{ {read} }}}}' as v")},
        must_run=(f"{p}_now",),
    )


@drawer(JINJA, *BOTH)
def graph_changes(draw: Random, p: str, adapter: str) -> Part:
    """The code counts the nodes of the graph, and a model is added."""
    read = draw.choice(("graph.nodes | length", "graph['nodes'].keys() | list | length"))
    return Part(
        variant=read,
        files={
            f"models/{p}_counts.sql": table(f"select 1 as id, '{{% if execute %}}{{{{ {read} }}}}{{% endif %}}' as v")
        },
        outputs=(f"{p}_counts",),
        edit=lambda bench: bench.write(f"models/{p}_more.sql", view("select 1 as id")),
    )


@drawer(JINJA, *BOTH)
def macro_of_dbt_is_overridden(draw: Random, p: str, adapter: str) -> Part:
    """The project overrides a macro of dbt, whose text changes: one that the code calls, or one that builds tables."""
    schema = f"{{% macro generate_alias_name(custom_alias_name=none, node=none) %}}{{{{ node.name ~ '_{p}1' }}}}"
    name, text, sql = draw.choice(
        (
            ("type_string", f"{{% macro {adapter}__type_string() %}}varchar(11){{% endmacro %}}", "cast('x' as {0})"),
            ("alias", f"{schema}{{% endmacro %}}", "'x'"),
            ("hash", f"{{% macro {adapter}__hash(field) %}}left(md5({{{{ field }}}}), 11){{% endmacro %}}", "{1}"),
        )
    )
    expression = sql.format("{{ dbt.type_string() }}", "{{ dbt.hash(\"'x'\") }}")
    old, new = (f"_{p}1", f"_{p}2") if name == "alias" else ("11", "12")
    file = f"macros/{p}.sql"
    return Part(
        variant=name,
        files={file: f"{text}\n", f"models/{p}_over.sql": table(f"select 1 as id, {expression} as v")},
        outputs=(f"{p}_over",),
        edit=lambda bench: bench.replace(file, old, new),
    )
