"""Fixtures of the service's tests."""

from pathlib import Path

import pytest
from held_triton import Held
from serving_process import Serving

SAMPLES = Path(__file__).parents[2] / "samples"


@pytest.fixture(scope="session")
def sample():
    """The bytes of a line image."""
    return (SAMPLES / "01_print.png").read_bytes()


@pytest.fixture(scope="module")
def serve(tmp_path_factory):
    """Starts services at a Triton; all end with the module.

    deadline_s: of a reading, for a Triton that is held; as it is without the setting otherwise.
    """
    started = []

    def start(triton_url, section="{}", *words, ready=True, more="", deadline_s=10):
        folder = tmp_path_factory.mktemp("serve")
        config = folder / "config.yaml"
        deadlines = f"deadline_s: {deadline_s}, candidate_deadline_s: {deadline_s / 2}"
        config.write_text(
            f"triton: {{urls: ['{triton_url}'], metrics_urls: [], {deadlines}}}\n"
            f"service: {section}\n{more}\n"
        )
        started.append(Serving(config, *words, ready=ready))
        return started[-1]

    yield start
    for serving in started:
        serving.__exit__()


@pytest.fixture(scope="module")
def serving(triton, serve):
    """The service as it is without any setting."""
    return serve(triton.http_url)


@pytest.fixture
def held(triton):
    relay = Held(triton.http_url)
    yield relay
    relay.close()
