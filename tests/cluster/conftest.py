"""Fixtures for tests against a real control plane, started once per session.

=====================  ========  =================================================================
fixture                scope     is
=====================  ========  =================================================================
``controlplane``       session   the running :class:`controlplane.ControlPlane`, with CRDs, policies
``bare_controlplane``  session   etcd and an API server alone (nobody acts on Deployments), the same
``own_controlplane``   module    as that one, and nobody has left anything there
``admin``              session   its :class:`controlplane.Api` as ``system:masters``
``kubectl``            session   ``kubectl("get", "pods", user="alice", stdin=…, check=False)``
``namespace``          test      the name of a fresh namespace, deleted afterwards
``launch_operator``    test      starts operators: ``launch_operator(args=[…], values={…})``
``operator``           module    one operator with the chart's defaults, shared by a module
``shop``               test      a :class:`cluster.shop.Shop` of the namespace: builders, waits
``sound_statuses``     module    watches every status of ours, and fails when one is not sound
=====================  ========  =================================================================
"""

from __future__ import annotations

import re
import secrets
import subprocess
from collections.abc import Callable, Generator, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import pytest

from cluster.ending import end
from cluster.shop import Shop
from cluster.statuses import Statuses
from cluster.story import story
from cluster.wholerun import WholeRun
from controlplane import Api, ControlPlane, OperatorProcess, build
from controlplane.launch import grant_operator, install_ours
from swept import SWEPT

_HERE = Path(__file__).parent
_NAME_LENGTH = 40


# What these find once counts: a wrong verdict or a leak that does not come again is one.
_NEVER_AGAIN = {
    "test_kills.py",
    "test_faults.py",
    "test_many_faults.py",
    "test_canary.py",
    "test_writes.py",
}


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """`pytest -m "not cluster"` leaves out what needs a control plane.

    A busy machine starves ten servers now and then: a test that failed runs once more in a fresh
    namespace. The end of the run shows each that needed it, and no more than five may.
    """
    for item in items:
        if _HERE in item.path.parents:
            item.add_marker("cluster")
            if item.path.name not in _NEVER_AGAIN:
                item.add_marker(pytest.mark.flaky(reruns=1))


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Generator[None, pytest.TestReport, Any]:
    """Beside a failure stands what happened in the test's namespace."""
    report = yield
    given = getattr(item, "funcargs", {})
    shop, process = given.get("shop"), given.get("operator")
    if report.when == "call" and report.failed and isinstance(shop, Shop):
        try:
            told = story(shop, process.log if process else None)
        except Exception as error:  # noqa: BLE001 - the API server may be what failed
            told = f"it could not be told: {error!r}"
        report.longrepr.addsection("the story", told)  # type: ignore[union-attr]
    return report


@pytest.fixture(scope="session", autouse=True)
def whole_run(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[WholeRun]:
    """It follows each control plane that starts from now on, whoever starts it."""
    run = WholeRun(tmp_path_factory.getbasetemp())
    with pytest.MonkeyPatch.context() as changed:
        changed.setenv("TOKENCHECK_LOG_LEVEL", "DEBUG")  # of every operator
        changed.setattr(ControlPlane, "followers", [run.follow])
        yield run
    request.config.stash[SWEPT].append(run.swept)


@pytest.fixture(scope="module", autouse=True)
def searched(request: pytest.FixtureRequest, whole_run: WholeRun) -> Iterator[None]:
    """What the module brought out is searched for tokens; the end of the run tells of hits."""
    yield
    whole_run.search(request.module.__name__.rpartition(".")[2])


@pytest.fixture(scope="session")
def controlplane() -> Iterator[ControlPlane]:
    # Everything at once, Helm too: one display that says how long it takes.
    build()
    with ControlPlane() as plane:
        install_ours(plane)
        yield plane


@contextmanager
def _bare() -> Iterator[ControlPlane]:
    with ControlPlane(parts=()) as plane:
        install_ours(plane)
        yield plane


@pytest.fixture(scope="session")
def bare_controlplane() -> Iterator[ControlPlane]:
    with _bare() as plane:
        yield plane


@pytest.fixture(scope="module")
def own_controlplane() -> Iterator[ControlPlane]:
    with _bare() as plane:
        yield plane


@pytest.fixture(scope="session")
def admin(controlplane: ControlPlane) -> Api:
    return controlplane.api()


@pytest.fixture(scope="session")
def kubectl(controlplane: ControlPlane) -> Callable[..., subprocess.CompletedProcess[str]]:
    return controlplane.kubectl


@pytest.fixture
def namespace(admin: Api, request: pytest.FixtureRequest) -> Iterator[str]:
    slug = re.sub(r"[^a-z0-9]+", "-", request.node.name.lower()).strip("-")[:_NAME_LENGTH]
    name = f"{slug}-{secrets.token_hex(3)}"
    admin.create({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name}})
    # A Pod is refused until its ServiceAccount exists.
    admin.wait("ServiceAccount", "default", name, until=bool, timeout_s=90.0)
    yield name
    admin.delete("Namespace", name)


@pytest.fixture
def launch_operator(
    controlplane: ControlPlane, tmp_path: Path
) -> Iterator[Callable[..., OperatorProcess]]:
    """A function that starts operators, which end with the test.

    Its arguments are ``values`` (of the chart: RBAC follows), ``kubeconfig`` (instead of them),
    ``args`` (command line), ``env``, ``elects`` (True: there may be others) and ``ready`` (False:
    do not wait).
    """
    with ExitStack() as started:

        def launch(
            *,
            values: dict[str, Any] | None = None,
            kubeconfig: Path | None = None,
            ready: bool = True,
            **more: Any,
        ) -> OperatorProcess:
            log = tmp_path / f"operator-{secrets.token_hex(2)}.log"
            config = kubeconfig or grant_operator(controlplane, values)
            process = OperatorProcess(config, log, plane=controlplane, **more)
            started.callback(end, process)
            return process.start(ready=ready)

        yield launch


@pytest.fixture(scope="module")
def operator(
    controlplane: ControlPlane, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[OperatorProcess]:
    log = tmp_path_factory.mktemp("operator") / "operator.log"
    process = OperatorProcess(grant_operator(controlplane), log, plane=controlplane, elects=True)
    try:
        yield process.start()
    finally:
        end(process)


@pytest.fixture(scope="module")
def sound_statuses(admin: Api) -> Iterator[Statuses]:
    """Every status that is written while the module runs keeps the rules of the linter."""
    statuses = Statuses(admin)
    yield statuses
    faults = statuses.end()
    assert not faults, "\n".join(faults)


@pytest.fixture
def shop(admin: Api, namespace: str, sound_statuses: Statuses) -> Iterator[Shop]:
    """The test's own shop; it needs an operator: ask for ``operator`` or ``launch_operator``."""
    made = Shop(admin, namespace, sound_statuses)
    yield made
    made.close()
