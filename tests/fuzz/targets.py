"""Which properties are fuzzed: those of everything that reads what somebody else wrote."""

from __future__ import annotations

import importlib
import inspect
from collections.abc import Callable, Sequence
from dataclasses import dataclass

_PARSERS = """
api.test_any_object api.test_path api.test_times cli.test_moments clients.test_any_answer
clients.test_kube_pieces clients.test_line clients.test_roads core.questions.test_keys
core.questions.test_token_review core.rights.test_capability core.rights.test_permission
core.tokens.test_documents core.tokens.test_ecr core.tokens.test_keys core.tokens.test_logins
core.tokens.test_macaroons core.tokens.test_properties core.workloads.test_totality
egress.test_pieces gather.test_ask_basic gather.test_ask_capabilities gather.test_ask_registry
gather.test_ask_token gather.test_ask_vendor
"""
# Of what is ours from end to end, of pages that are rendered, or with a server for each input.
_OTHERS = """
app.test_recovery app.test_settings clients.test_connection clients.test_resting clients.test_shelf
cluster.test_chart_network core.audit.test_due core.checks.test_properties core.clocks.test_skew
core.drafts.test_suggest core.formats.test_reports core.hosts.test_hosts core.outcome.test_beat
core.questions.test_liveness
core.rights.test_excess core.rights.test_rights core.rights.test_usable
core.spread.test_spread_plan engine.test_claim engine.test_engine_properties engine.test_shares
gather.test_survey notice.test_deadlines notice.test_index notice.test_queue_properties
notice.test_retries publish.test_standby test_canary_sweep
"""
PARSERS, OTHERS = tuple(_PARSERS.split()), tuple(_OTHERS.split())


@dataclass(frozen=True, slots=True, kw_only=True)
class Target:
    """One property.

    Args:
        feed: takes bytes, and returns those that it read, or None when they are no example; raises
            what the property raises.
    """

    module: str
    name: str
    feed: Callable[[bytes], bytes | None]

    @property
    def test(self) -> str:
        """How pytest calls it: a failure that was found stands in Hypothesis' database for it."""
        return f"tests/{self.module.replace('.', '/')}.py::{self.name}"


def targets(modules: Sequence[str] = PARSERS) -> list[Target]:
    """Those of these modules that need nothing but their examples."""
    found = []
    for module in modules:
        for name, function in vars(importlib.import_module(module)).items():
            handle = getattr(function, "hypothesis", None)
            if not name.startswith("test_") or handle is None or function.__module__ != module:
                continue
            needs = inspect.signature(function).parameters
            if not needs and not inspect.iscoroutinefunction(handle.inner_test):
                found.append(Target(module=module, name=name, feed=handle.fuzz_one_input))
    return found
