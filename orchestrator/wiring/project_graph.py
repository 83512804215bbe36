"""Finds the dlt sources and suites of a project, and joins them with its manifest into one graph."""

from collections.abc import Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import replace

from orchestrator.adapters.dlt.discovery import Discovery, Mistake, discover
from orchestrator.adapters.dlt.host import IngestionHost
from orchestrator.adapters.dlt.unused_code import unused_code_note
from orchestrator.adapters.great_expectations.suite_files import read_suites
from orchestrator.config.settings import Settings
from orchestrator.graph.bind_suites import bind
from orchestrator.graph.build import Graph, build_graph
from orchestrator.graph.match_dlt import match_sources
from orchestrator.masking import Masker
from orchestrator.nodes.dbt_nodes import Manifest
from orchestrator.nodes.identity import NodeId, short_name
from orchestrator.nodes.prefix import Placement, placed_loads, with_moved
from orchestrator.nodes.suite import SuiteReading
from orchestrator.reuse.freshness_policy import notes_on_state
from orchestrator.wiring.log_files import log_dir
from orchestrator.wiring.suite_reading import suite_readings, with_reads


def start_discovery(
    settings: Settings, resources: ExitStack, masker: Masker
) -> tuple[IngestionHost | None, Future[Discovery] | None]:
    """Start the discovery of the dlt sources in the background; the results are None without an ingestion folder."""
    if settings.ingestion_folder is None:
        return None, None
    host = IngestionHost(masker.text, settings.ingestion_pythons, learn=masker.learn_secret)
    resources.callback(host.close)
    pool = ThreadPoolExecutor(1, thread_name_prefix="elt-discovery")  # the child is waited for on a thread
    resources.callback(pool.shutdown, wait=False, cancel_futures=True)  # an error of dbt must not wait for an import
    # Started before dbt: importing the user's modules may take as long as dbt's start and parse.
    found = pool.submit(discover, host, settings.project_root, settings.ingestion_folder, log_dir(settings))
    return host, found


def masked_discovery(found: Discovery, masker: Masker) -> Discovery:
    """Return the discovery with secrets masked in the output of importing the ingestion modules."""
    return replace(
        found,
        notes=tuple(map(masker.text, found.notes)),
        mistakes=tuple(Mistake(message=masker.text(one.message), hint=masker.text(one.hint)) for one in found.mistakes),
    )


def graph_of(
    settings: Settings, manifest: Manifest, discovery: Discovery, placement: Placement, *, needed: bool
) -> tuple[Graph, Mapping[NodeId, SuiteReading], frozenset[NodeId]]:
    """Return the graph, what its suites read, and the dbt sources that are read from prefixed datasets."""
    notes = [*discovery.notes]
    if needed:
        discovery.require_sound()
    else:
        notes += [mistake.message for mistake in discovery.mistakes]
    # By declared names, so before the prefix is applied: a moved source would match no load (decision 17).
    matched = match_sources(discovery.sources, manifest, settings.ingestion_schemas)
    moved = frozenset(source for _, source in matched.feeds) if placement.prefix and placement.loads else frozenset()
    manifest = with_moved(manifest, placement, moved)
    dlt_sources, loads = placed_loads(placement, discovery.sources, matched.nodes)
    folder = settings.expectations_folder
    suites, malformed = read_suites(folder, settings.project_root) if folder else ((), ())
    bound = bind(suites, manifest, malformed)
    readings = suite_readings(settings.project_root, manifest, bound)
    graph = build_graph(
        manifest,
        ingest=loads,
        feeds=matched.feeds,
        dlt_sources=dlt_sources,
        suites=with_reads(bound, readings),
        notes=(*notes, *matched.notes, *notes_on_state(manifest)),
        placement=placement,
    )
    note = _unused_code(settings, graph) if needed else None
    return (replace(graph, notes=(*graph.notes, note)) if note else graph), readings, moved


def _unused_code(settings: Settings, graph: Graph) -> str | None:
    """Return a note about dlt code that is not loaded, if a dbt source of the project has no writer."""
    sources = graph.manifest.sources.values()
    own = [source for source in sources if source.package == graph.manifest.project_name]
    unfed = [short_name(one.unique_id) for one in own if not graph.needs.parents(one.unique_id)]
    return unused_code_note(settings, unfed, loads_something=bool(graph.ingest))
