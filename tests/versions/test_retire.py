"""A version leaves, unless traffic needs it."""

from __future__ import annotations

import dataclasses
import threading
import time

import bars
import pytest

from ocr_client import OCRClient
from ocr_client.config import ClientConfig, ModelRouting, StoreSettings, TritonSettings
from ocr_client.pages.settings import LINE_FINDER
from ocr_client.versions.alone import recover
from ocr_client.versions.errors import InUseError, RepositoryError, UnfinishedError, VersionsError
from ocr_client.versions.retiring import retire
from ocr_client.versions.serve import activate, publish
from ocr_client.versions.traffic import Use, read_state, refuse_in_use, uses
from ocr_rollout.core.plan import Phase, Plan
from ocr_rollout.core.routing import Arm
from ocr_rollout.core.state import RolloutState
from ocr_rollout.stores.open import open_store
from ocr_rollout.stores.protocol import LogEntry, Transition

OLD, NEW, OTHER = Arm("convnext", 1), Arm("crnn", 2), Arm("crnn", 1)
PLAN = Plan("swap", OLD, NEW, (Phase(1_000),))


def state(status, weight=0, stable=OLD, candidate=NEW):
    return RolloutState(
        status=status,
        rollout_id="swap",
        stable=str(stable),
        candidate=str(candidate),
        digest="d",
        weight_bp=weight,
    )


def config(plan=None, *, share_bp=0, enabled=True, stable=OLD, candidate=NEW, store=None):
    routing = ModelRouting(
        crnn_enabled=enabled, candidate_weight_bp=share_bp, stable=stable, candidate=candidate
    )
    return ClientConfig(routing, rollout=plan, store=StoreSettings(store))


CASES = [
    # what, configuration, state, arms that must stay, arms that a person may give up
    ("nothing but stable", config(), None, {OLD}, set()),
    ("a ratio", config(share_bp=1), None, {OLD, NEW}, set()),
    ("a ratio, switched off", config(share_bp=5_000, enabled=False), None, {OLD}, set()),
    ("a plan not begun", config(PLAN), None, {OLD, NEW}, set()),
    ("idle", config(PLAN), RolloutState(), {OLD, NEW}, set()),
    ("running", config(PLAN), state("running", 1_000), {OLD, NEW}, set()),
    (
        "running, switched off here",
        config(PLAN, enabled=False),
        state("running", 1),
        {OLD, NEW},
        set(),
    ),
    ("paused at 0", config(), state("paused"), {OLD, NEW}, set()),
    ("waiting at a gate", config(), state("waiting", 3_000), {OLD, NEW}, set()),
    ("rolled back", config(PLAN), state("rolled_back"), {OLD}, set()),
    ("completed, old still stable", config(PLAN), state("completed", 10_000), {OLD, NEW}, set()),
    (
        "completed, new is stable",
        config(stable=NEW, candidate=OTHER),
        state("completed", 10_000),
        {NEW},
        {OLD},
    ),
]


@pytest.mark.parametrize(
    ("settings", "found", "stay", "given_up"), [c[1:] for c in CASES], ids=[c[0] for c in CASES]
)
def test_who_must_stay(settings, found, stay, given_up):
    """Stable, who has a share, who may get one, and where a rollback would go."""
    known = uses(settings, found)
    assert {use.arm for use in known if use.helps} == {LINE_FINDER}
    assert {use.arm for use in known if not use.old and not use.helps} == stay
    assert {use.arm for use in known if use.old} - stay == given_up
    for arm in (OLD, NEW, OTHER):
        if arm in stay:
            for stop_old in (False, True):
                with pytest.raises(InUseError, match=f"{arm} stays: .*take its traffic away"):
                    refuse_in_use(arm, known, stop_old=stop_old)
        elif arm in given_up:
            with pytest.raises(InUseError, match="--stop-old --by YOUR-NAME"):
                refuse_in_use(arm, known, stop_old=False)
            refuse_in_use(arm, known, stop_old=True)
        else:
            refuse_in_use(arm, known, stop_old=False)


def test_state_is_read_from_the_store(tmp_path):
    """No store, no file yet, a state, and a store that cannot be read: unknown is never unused."""
    path = tmp_path / "rollout.db"
    settings = config(store=f"sqlite:///{path}")
    assert read_state(config()) is None
    assert read_state(settings) is None
    assert not path.exists(), "looking makes no store"
    store = open_store(f"sqlite:///{path}")
    after = dataclasses.replace(state("running", 1_000), generation=1)
    store.commit(Transition(0, after.to_dict(), LogEntry({"what": "start"})))
    store.close()
    assert read_state(settings) == after
    path.write_bytes(b"not a database" * 100)
    with pytest.raises(RepositoryError, match="nobody knows which arms have traffic"):
        read_state(settings)


@pytest.fixture
def second(site, standard, tmp_path):
    """A second version beside `crnn:1`, taken away afterwards."""
    source = bars.write_version(tmp_path / "new", version=2)
    arm = publish(site, "crnn", source, standard).arm
    yield arm
    if arm.version in site.repository.model("crnn").there():
        retire(site, arm, tuple)


@pytest.mark.server
def test_arm_in_use_stays_as_it_is(site, second):
    before = bars.tree(site.repository.root)
    with pytest.raises(InUseError, match="it has a share; take"):
        retire(site, second, lambda: (Use(second, "it has a share"),))
    assert bars.tree(site.repository.root) == before
    assert site.fleet.control.ready(site.fleet.endpoints[0], "crnn", second.version)


@pytest.mark.server
def test_arm_that_gets_traffic_meanwhile_comes_back(site, second):
    """Asked again when it is unloaded: nobody may have given it a share since."""
    answers = iter([(), (Use(second, "it has a share since"),)])
    before = bars.tree(site.repository.root)
    with pytest.raises(InUseError, match="since"):
        retire(site, second, lambda: next(answers))
    assert bars.tree(site.repository.root) == before
    assert site.fleet.control.ready(site.fleet.endpoints[0], "crnn", second.version)
    assert site.journal.read() is None


@pytest.mark.server
def test_kept_version_comes_back_as_it_was(site, second, standard):
    before = bars.tree(site.repository.root)
    retire(site, second, tuple, keep=True)
    assert not site.repository.version(second).path.exists()
    activate(site, second, standard)
    assert bars.tree(site.repository.root) == before


@pytest.mark.server
def test_requests_under_way_are_answered(site, second):
    """Four threads ask the version until it is gone: every answer is right, or says it is gone."""
    told: list[str] = []
    url = site.fleet.endpoints[0].http

    def ask() -> None:
        with OCRClient(ClientConfig(triton=TritonSettings(urls=(url,)))) as client:
            while not told or told[-1] == "IIII":
                try:
                    told.append(client.recognize(bars.line(4), arm=second).text)
                except Exception as error:  # noqa: BLE001, PERF203  # looked at below
                    told.append(type(error).__name__)
            client.close(thread_ends=True)

    threads = [threading.Thread(target=ask) for _ in range(4)]
    for thread in threads:
        thread.start()
    end = time.monotonic() + 240
    while len(told) < 20 and time.monotonic() < end:
        time.sleep(0.001)
    retire(site, second, tuple)
    for thread in threads:
        thread.join(240)
    assert set(told) - {"IIII"} <= {"ModelMissingError", "DrainingError"}
    assert told.count("IIII") >= 20


@pytest.mark.server
def test_who_gives_up_the_way_back_is_named(site, second):
    with pytest.raises(RepositoryError, match="--by YOUR-NAME"):
        retire(site, second, tuple, stop_old=True)
    known = (Use(second, "a rollback goes there", old=True),)
    retire(site, second, lambda: known, stop_old=True, by="Ada")
    assert site.history.last(second).facts["by"] == "Ada"


@pytest.mark.server
def test_what_is_not_there_is_said(site):
    with pytest.raises(RepositoryError, match=r"crnn:9 is not in .*; there are: 1"):
        retire(site, Arm("crnn", 9), tuple)
    with pytest.raises(RepositoryError, match=r"nothing:1 is not in"):
        retire(site, Arm("nothing", 1), tuple)


@pytest.mark.server
def test_last_version_waits_for_the_unserved_one(site):
    place = site.repository.version(Arm("convnext", 2)).path
    bars.write_version(place, "convnext", version=2)
    with pytest.raises(RepositoryError, match="convnext:2 lies there unserved"):
        retire(site, Arm("convnext", 1), tuple)
    retire(site, Arm("convnext", 2), tuple)


@pytest.mark.server
def test_configuration_changed_meanwhile_is_nobodys_to_overwrite(site, second, monkeypatch):
    """The transaction stays open and says what to do; then the next command ends it."""
    config_path = site.repository.model("crnn").config
    before = config_path.read_text()
    calls = iter([()])

    def edited_by_a_person():
        answer = next(calls, None)
        if answer is None:
            config_path.write_text(bars.config_text("crnn", (1,)) + "# a note\n")
            raise VersionsError("the store went away")
        return answer

    with pytest.raises(UnfinishedError, match="was changed while retire crnn"):
        retire(site, second, edited_by_a_person)
    with pytest.raises(UnfinishedError, match="was changed while retire crnn"):
        recover(site)
    config_path.write_text(before)
    assert recover(site).verb == "retire"
    assert site.fleet.control.ready(site.fleet.endpoints[0], "crnn", second.version)
