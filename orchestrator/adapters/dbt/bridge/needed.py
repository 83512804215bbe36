"""Lists every internal attribute of dbt and its neighbours that elt uses; importing this table imports no tool.

dbt's public interface is its command line and `dbtRunner`. Everything else can change in any release, so it is listed
here, and no module of `adapters/dbt` imports anything else of them. Only `access` and `replacements` use private names
and replace functions. tests/architecture/test_bridges.py keeps both rules.
"""

from orchestrator.adapters.probe import listed

TOOLS = ("dbt-core", "dbt-adapters", "dbt-common", "dbt-duckdb", "dbt-postgres", "mashumaro", "duckdb")
"""The distributions whose versions must be supported. Those of the user's own adapter are dbt's matter."""

NEEDED = listed(
    {
        "to set up dbt for a command line": (
            "dbt.cli.flags:Flags.fire_deprecations",
            "dbt.cli.flags:args_to_context",
            "dbt.cli.requires:_cross_propagate_engine_env_vars",
            "dbt.deprecations:reset_deprecations",
            "dbt.env_vars:validate_engine_env_vars",
            "dbt.flags:get_flag_obj get_flags set_flags",
            "dbt_common.clients.system:get_env",
            "dbt_common.context:InvocationContext._env uses_adapter",
            "dbt_common.context:get_invocation_context set_invocation_context",
            "dbt_common.events.functions:reset_metadata_vars",
            "dbt_common.invocation:get_invocation_id get_invocation_started_at reset_invocation_id",
        ),
        "to open dbt in the middle of a run": (
            "dbt.tracking:active_user",
            "dbt_common.invocation:_INVOCATION_STARTED_AT",
        ),
        "to give each thread dbt's invocation": ("dbt_common.context:_INVOCATION_CONTEXT_VAR",),
        "to send no usage statistics": ("dbt.tracking:initialize_from_flags",),
        "to show dbt's warnings and keep dbt off the terminal": (
            "dbt.events.logging:setup_event_logger",
            "dbt_common.events.contextvars:get_node_info task_contextvars",
            "dbt_common.events.event_manager:EventManager.loggers require_warn_or_error_handling",
            "dbt_common.events.event_manager_client:cleanup_event_logger get_event_manager",
        ),
        "to hide the values of DBT_ENV_SECRET variables": (
            "dbt_common.constants:SECRET_ENV_PREFIX",
            "dbt_common.events.functions:env_secrets",
        ),
        "to read the profile and the project": (
            "dbt.config:RuntimeConfig.from_parts cli_vars dispatch load_dependencies project_target_path",
            "dbt.config:RuntimeConfig.to_target_dict vars",
            "dbt.cli.requires:get_active_write_integration",
            "dbt.config.catalogs:load_catalogs",
            "dbt.config.project:VarProvider.vars_for",
            "dbt.config.runtime:load_profile load_project",
            "dbt.plugins:get_plugin_manager set_up_plugin_manager",
        ),
        "to parse the project": (
            "dbt.parser.manifest:parse_manifest write_semantic_manifest",
            "dbt.contracts.graph.manifest:Manifest.expect nodes sources unit_tests writable_manifest",
            "dbt_common.events.functions:fire_event",
        ),
        "to place nodes and sources in prefixed schemas": (
            "dbt.contracts.graph.manifest:Manifest.build_flat_graph",
            "dbt.contracts.graph.nodes:SourceDefinition.same_database_representation",
        ),
        "to know what the parse reads, and to use a saved parse with other values of vars": (
            "dbt.config:RuntimeConfig.analysis_paths function_paths macro_paths model_paths project_root seed_paths",
            "dbt.config:RuntimeConfig.snapshot_paths test_paths",
            "dbt.config.project:VarProvider.to_dict",
            "dbt.parser.manifest:ManifestLoader.build_manifest_state_check",
        ),
        "to keep a saved parse whole while several runs write it": (
            "dbt.parser.manifest:PARTIAL_PARSE_FILE_NAME",
            "dbt.parser.manifest:ManifestLoader.root_project write_manifest_for_partial_parse",
        ),
        "to start fast": (
            "dbt_common.behavior_flags:BehaviorFlagRendered._default_source",
            "mashumaro.jsonschema.schema:_default",
        ),
        "to tell dbt's errors from others": (
            "dbt.cli.exceptions:DbtUsageException",
            "dbt_common.exceptions:DbtBaseException",
        ),
        "to evaluate a selection as dbt does": (
            "dbt.compilation:Linker.edges find_cycles get_graph_summary graph link_graph nodes",
            "dbt.compilation:Compiler.initialize write_graph_file",
            "dbt.config:RuntimeConfig.get_default_selector_name get_selector",
            "dbt.graph:Graph parse_difference",
            "dbt.graph:NodeSelector.get_selected",
            "dbt.graph.selector_spec:IndirectSelection",
            "dbt.graph.selector_spec:SelectionCriteria.indirect_selection",
            "dbt.graph.selector_spec:BaseSelectionGroup.components",
            "dbt.task.base:ConfiguredTask.args compiler config graph manifest",
            "dbt.task.build:BuildTask.get_node_selector resource_types",
            "dbt.task.freshness:FreshnessTask",
            "dbt.task.runnable:GraphRunnableTask.previous_state",
            "dbt.task.test:TestTask",
        ),
        "to know the nodes that --defer uses": ("dbt.task.runnable:GraphRunnableTask._get_deferred_manifest",),
        "to list nodes in the formats of `dbt ls`": (
            "dbt.events.types:NoNodesSelected",
            "dbt.task.list:ListTask._iterate_selected_nodes generate_json generate_names generate_paths",
            "dbt.task.list:ListTask.generate_selectors",
            "dbt_common.events.functions:warn_or_error",
        ),
        "to find the adapter of the target": (
            "dbt.adapters.factory:AdapterContainer.adapters",
            "dbt.adapters.factory:FACTORY get_adapter get_adapter_package_names reset_adapters",
        ),
        "to ask the target without a parse": (
            "dbt.adapters.base:BaseAdapter.execute",
            "dbt.adapters.factory:register_adapter",
            "dbt.mp_context:get_mp_context",
        ),
        "to run a statement on the connection of a node": (
            "dbt.adapters.base:BaseAdapter.cleanup_connections connection_named connections",
            "dbt.adapters.contracts.connection:Connection.handle transaction_open",
            "dbt.adapters.sql:SQLConnectionManager.begin exception_handler get_thread_connection",
        ),
        "to interrupt the queries of single nodes": (
            "dbt.adapters.base:BaseAdapter.is_cancelable",
            "dbt.adapters.contracts.connection:Connection.name state",
            "dbt.adapters.sql:SQLConnectionManager.TYPE cancel lock thread_connections",
        ),
        "to keep dbt's list of relations up to date": (
            "dbt.adapters.base:BaseAdapter.cache list_relations_without_caching",
            "dbt.adapters.cache:RelationsCache.add add_schema drop drop_schema lock relations",
            "dbt.adapters.cache:_CachedRelation.inner",
        ),
        "to compile a node": ("dbt.compilation:Compiler.compile_node",),
        "to run a node as dbt does": (
            "dbt.graph.thread_pool:DbtThreadPool",
            "dbt.node_types:RunHookType",
            "dbt.selected_resources:set_selected_resources",
            "dbt.task.build:BuildTask.after_run create_schemas defer_to_manifest get_model_schemas get_runner",
            "dbt.task.build:BuildTask.job_queue node_results num_nodes populate_adapter_cache safe_run_hooks",
            "dbt.task.freshness:FreshnessRunner",
            "dbt.task.group_lookup:init",
            "dbt.task.run:MicrobatchModelRunner.set_parent_task set_pool",
        ),
        "to execute a node with generated statements": (
            "dbt.adapters.base:BaseAdapter.Relation cache_added",
            "dbt.artifacts.resources:InjectedCTE",
            "dbt.adapters.sql:SQLConnectionManager.commit query_header",
            "dbt.contracts.graph.nodes:ModelNode.get_target_write_path",
            "dbt.task.run:ModelRunner.execute",
            "dbt.task.test:TestResultData",
            "dbt.task.test:TestRunner.execute_data_test",
        ),
        "to read a node": (
            "dbt.contracts.graph.nodes:ModelNode.compiled_code compiled_path config is_ephemeral_model",
            "dbt.contracts.graph.nodes:ModelNode.original_file_path relation_name resource_type",
            "dbt.artifacts.resources:ModelConfig.full_refresh grants materialized post_hook",
        ),
        "to read the result of a node": (
            "dbt.artifacts.schemas.freshness:SourceFreshnessResult.age",
            "dbt.artifacts.schemas.results:TimingInfo.completed_at name started_at",
            "dbt.artifacts.schemas.run:RunResult.adapter_response batch_results failures message node status",
            "dbt.artifacts.schemas.run:RunResult.timing",
        ),
        "to write a marker with each build": (
            "dbt.task.run:MicrobatchBatchRunner.batch_idx batches",
            "dbt.task.run:ModelRunner._execute_model",
            "dbt.task.runnable:GraphRunnableTask.call_runner",
        ),
        "to keep the error of each batch, and to stop the remaining batches": (
            "dbt.task.base:BaseRunner.do_skip handle_exception node",
            "dbt.task.run:MicrobatchBatchRunner._build_failed_run_batch_result",
        ),
        "to run a node a second time": (
            "dbt.artifacts.schemas.batch_results:BatchResults.failed successful",
            "dbt.contracts.graph.nodes:ModelNode.compiled extra_ctes extra_ctes_injected",
            "dbt.contracts.graph.nodes:ModelNode.previous_batch_results",
            "dbt.materializations.incremental.microbatch:MicrobatchBuilder.build_batches",
        ),
        "to make a shadow build": (
            "dbt.contracts.graph.nodes:ModelNode.write_node",
            "dbt.task.base:BaseRunner.compile config",
            "dbt.task.run:ModelRunner.compiler",
        ),
        "to write dbt's artifacts": (
            "dbt.artifacts.schemas.freshness:FreshnessMetadata",
            "dbt.artifacts.schemas.freshness.v3.freshness:process_freshness_result",
            "dbt.artifacts.schemas.results:NodeStatus RunStatus",
            "dbt.artifacts.schemas.run:RunResult.from_node",
            "dbt.artifacts.schemas.run:RunResultsArtifact",
            "dbt.artifacts.schemas.run.v5.run:RunResultOutput RunResultsMetadata process_run_result",
            "dbt.events.types:ArtifactWritten",
            "dbt.utils:JSONEncoder args_to_dict",
            "dbt.utils.artifact_upload:add_artifact_produced",
        ),
        "to run any dbt command": ("dbt.cli.main:cli", "dbt.cli.main:dbtRunner"),
    }
)

NEEDED_ON = {
    "duckdb": listed(
        {
            "to close the database that dbt-duckdb keeps open": (
                "dbt.adapters.duckdb.connections:DuckDBConnectionManager._ENV _LOCK",
            ),
            "to note what dbt sends for a node": (
                "dbt.adapters.base.query_headers:MacroQueryStringSetter.comment",
                "dbt.adapters.base.query_headers:_QueryComment.query_comment",
                "dbt.adapters.duckdb.environments.local:DuckDBConnectionWrapper._cursor cursor",
            ),
            "to notice that the code of a plugin changed": ("dbt.adapters.duckdb.plugins:BasePlugin._BUILTIN",),
            "to open the database exactly as dbt does": (
                "dbt.adapters.duckdb.credentials:DuckDBCredentials.config_options disable_transactions",
                "dbt.adapters.duckdb.credentials:DuckDBCredentials.module_paths plugins secrets_sql settings",
            ),
            "to create files in the storage format of elt.yml": (
                "dbt.adapters.duckdb.credentials:Attachment.options",
                "dbt.adapters.duckdb.credentials:DuckDBCredentials.attach path",
                "dbt.adapters.duckdb.environments:Environment.initialize_db",
                "dbt_common.exceptions:DbtRuntimeError",
            ),
        }
    )
}
"""What the adapter of the target needs besides."""

NEEDED_SINCE = {
    "1.12": listed(
        {
            "to show the warnings of the parse together": (
                "dbt_common.events.base_types:EventGroupType.PARSE",
                "dbt_common.events.event_manager:EventManager.allow_deferral",
                "dbt_common.events.functions:fire_deferred_events",
            ),
            "to read the second version of catalogs.yml": (
                "dbt.cli.requires:_bridge_v2_catalogs",
                "dbt.config.catalogs:load_catalogs_v2",
            ),
            "to select by the selectors of selectors.yml": (
                "dbt.config:RuntimeConfig.selectors",
                "dbt.graph:NodeSelector._selectors",
            ),
            "to know that a model is not complete with its table": (
                "dbt.task.run:ModelRunner._should_create_latest_version_pointer",
            ),
            "to read deferred relations as dbt does": ("dbt.compilation:Compiler.selected_node_ids",),
        }
    )
}
"""What a release of dbt-core, and every later one, needs besides."""
