"""Defines the errors of what a user wrote: configuration, dbt project, selection, ingestion modules, suites."""

from orchestrator.errors.elt_error import EltError


class ConfigurationError(EltError):
    """The configuration is wrong: elt.yml, or an environment variable `ELT_…`.

    The message lists all mistakes at once, each with its line, and similar names for an unknown key.
    """

    code = "E030"
    remedy = "Correct each line that is listed. [Configuration](configuration.md) describes every key."
    example = """
    Error [E030]: The configuration has a mistake:
      /data/shop/elt.yml:2: unknown key 'ingestion.thread'. Did you mean 'threads'?
    Every key and its values are described in docs/configuration.md."""


class ProjectError(EltError):
    """The dbt project cannot be used: dbt_project.yml is wrong, or a file or folder cannot be read or written."""

    code = "E031"
    remedy = "Correct the file that the message names, or its permissions."
    example = """
    Error [E031]: dbt cannot use /data/shop/target: Permission denied.
    dbt reads the project's files, and writes to logs/ and target/. Check their permissions."""


class NoProjectError(ProjectError):
    """There is no dbt project in the folder, or there are several."""

    code = "E032"
    remedy = "Change to the folder of the project, or use `--project-dir`. `elt dbt init` creates a project."
    example = """
    Error [E032]: No dbt project found: neither /data nor its subfolders contain a dbt_project.yml.
    Change to the folder of the dbt project, name it with --project-dir, or create one with `elt dbt init`."""


class ProfileError(ProjectError):
    """profiles.yml is missing or wrong, or it lacks the profile or the target.

    The message names the file and the names that exist. A profiles.yml beside dbt_project.yml is enough.
    """

    code = "E033"
    remedy = "Choose with `--target`, `--profile` or `--profiles-dir`, or add the lines that the message shows."
    example = """
    Error [E033]: The profile shop in /data/shop/profiles.yml has no target prod; it has dev.
    Choose a target with --target, or as `target:` of the profile in /data/shop/profiles.yml; for a schedule, as
    `target` in its options."""


class V2ParserError(ProjectError):
    """dbt's parser of version 2 is switched on: `--use-v2-parser`, its variable, or `use_v2_parser` of the project.

    It is a program of its own. It leaves out what `elt` needs of a parse: the state of the last parse, the macros and
    the vars that the parse used. dbt-core's own parser reads the same project.
    """

    code = "E091"
    remedy = "Switch it off in the place that sets it. With many nodes, dbt's partial parse saves most of the time."
    example = """
    Error [E091]: dbt's parser of version 2 is switched on; elt needs the project as dbt-core's own parser reads it.
    Leave out --use-v2-parser, unset DBT_ENGINE_USE_V2_PARSER (also in .env), and remove `use_v2_parser` from `flags:`
    of dbt_project.yml and from ~/.dbt/user_settings.yml."""


class EnvFileError(ProjectError):
    """The file `.env` from which dbt 1.12 sets environment variables cannot be read.

    dbt takes the first one that it finds in the project folder or above it. It must be UTF-8, without NUL characters.
    """

    code = "E097"
    remedy = "Correct the file, or move it away."
    example = """
    Error [E097]: /data/shop/.env cannot be read: embedded null byte.
    dbt 1.12 reads this file as environment variables, in UTF-8. Correct it, or move it away."""


class MissingPackagesError(ProjectError):
    """Packages of packages.yml are not installed, or not in the version that it names."""

    code = "E034"
    remedy = "`elt dbt deps` installs them."
    example = """
    Error [E034]: dbt found 1 package(s) specified in packages.yml, but only 0 package(s) installed in dbt_packages.
    Install the packages: elt dbt deps --project-dir /data/shop"""


class ParseError(ProjectError):
    """dbt could not parse the project: invalid YAML or Jinja, or a reference to a node that does not exist.

    The message names the object, the file and, if it is certain, the line. dbt's own words follow.
    """

    code = "E035"
    remedy = "Correct the file that the message names. `--debug` shows dbt's traceback."
    example = """
    Error [E035]: The model orders (models/orders.sql:2) depends on raw.custmers, but there is no source of that name.
    Did you mean raw.customers? Correct models/orders.sql:2 and run again."""


class ManifestError(ProjectError):
    """A manifest.json is missing, incomplete, or of another version than v12, which dbt 1.8 to 1.12 write.

    It is the project's own, or that of the folder named with `--state`.
    """

    code = "E036"
    remedy = "`elt dbt parse` writes the project's manifest again. For `--state`, copy a complete `target/` folder."
    example = """
    Error [E036]: The manifest /data/prod/manifest.json has version 11; only version 12 is supported.
    Use dbt 1.8 to 1.12, which write version 12, and run `elt dbt parse`."""


class GraphCycleError(EltError):
    """The nodes depend on each other in a cycle, so there is no order in which they can run."""

    code = "E037"
    remedy = "Remove one of the references in the cycle that the message prints."
    example = """
    Error [E037]: The nodes depend on each other in a cycle: orders → customers → orders.
    Remove one of these references: each of these nodes waits for the one before it."""


class SelectionError(EltError):
    """A selection cannot be evaluated: unknown syntax, selector or method, or a `state:` selection without a state.

    The syntax is dbt's, with the methods `ingest:`, `expectation:` and `step:` added.
    """

    code = "E040"
    remedy = "Correct the expression. `elt ls --select …` shows what an expression selects, without a run."
    example = """
    Error [E040]: No selector is called nightly.
    The project has weekly. Selectors are defined in selectors.yml, beside dbt_project.yml."""


class EmptySelectionError(SelectionError):
    """A selection matches nothing.

    If `state:`, `result:` or `source_status:` matches nothing because nothing has changed, that is not an error: one
    line says so, and the exit code is 0.
    """

    code = "E041"
    remedy = "The message suggests similar names; `elt ls` lists all. `--allow-empty` accepts an empty selection."
    example = """
    Error [E041]: The selection 'custmers' matches nothing.
    Did you mean 'customers'?"""


class IngestionError(EltError):
    """An ingestion module cannot be used: it raises an exception, or loads data, when it is imported.

    The message has the file, the line and the exception, for all modules at once. It also reports settings of dlt that
    cannot be read, without any text of the file. Without a load in the plan (`--no-ingest`), it is only a note.
    """

    code = "E042"
    remedy = "Correct the line that is named. If a package is missing, the message shows how to install it."
    example = """
    Error [E042]: ingestion/shop.py, line 12: the module runs a dlt pipeline while it is imported
    Move the call under `if __name__ == "__main__":`; elt runs the load itself."""


class LoadConfigurationError(IngestionError):
    """A dlt source lacks credentials or other configuration that its signature requires.

    The message names the keys, never a value. `elt plan` shows a note and the plan.
    """

    code = "E043"
    remedy = "Set each key as the message shows: in the environment, or in `.dlt/secrets.toml`."
    example = """
    Error [E043]: dlt source shop (ingestion/shop.py) lacks its configuration: api_key
    Set SOURCES__SHOP__API_KEY in the environment, or api_key under [sources.shop] in .dlt/secrets.toml."""


class SuiteError(EltError):
    """An expectation suite is malformed, or its name matches no node.

    The message lists all mistakes at once, with file and position, and similar names.
    """

    code = "E044"
    remedy = "Correct the suite. Its `name` must be that of a model, seed, snapshot or dbt source table."
    example = """
    Error [E044]: An expectation suite is malformed. expectations/orders.json: expectation 2: no "type"
    A suite is a JSON object with a name and a list of expectations, each with a type and kwargs, as \
great-expectations 1.x writes it. Fix the file, or move files that are not suites to another folder."""
