"""What the command line says, as each worker process gets it."""

from __future__ import annotations

import dataclasses

from ocr_client import Arm, ClientConfig, OCRClient
from ocr_client.errors import ConfigError
from ocr_client.sections import is_address

from .settings import SECTION, ServiceSettings


@dataclasses.dataclass(frozen=True)
class Options:
    """where: the configuration, a file or a URL; None: the defaults. url: Triton's HTTP address in
    its place. model: the one that answers everything.
    """

    where: str | None = None
    url: str | None = None
    model: str | None = None
    quiet: bool = False

    def client(self) -> OCRClient:
        """Raises ConfigError."""
        if self.url is not None and not is_address(self.url):
            raise ConfigError(
                f"--url: {self.url!r} is not accepted; accepted: HOST:PORT without http://"
            )
        if self.where is None:
            return OCRClient(self._amended(ClientConfig()))
        return OCRClient.from_config(self.where, amend=self._amended)

    def forced(self, config: ClientConfig) -> Arm | None:
        """The arm of `model` that the configuration names, stable's before the candidate's.

        Raises ConfigError where it names none.
        """
        if self.model is None:
            return None
        plan = config.plan()
        for arm in (plan.stable, plan.candidate):
            if arm.model == self.model:
                return arm
        raise ConfigError(
            f"--model: {self.model!r} is neither stable nor the candidate in the configuration; "
            f"accepted: {', '.join(sorted({plan.stable.model, plan.candidate.model}))}"
        )

    def _amended(self, config: ClientConfig) -> ClientConfig:
        if self.url is None:
            return config
        triton = dataclasses.replace(config.triton, urls=(self.url,))
        return dataclasses.replace(config, triton=triton)


def settings_of(config: ClientConfig) -> ServiceSettings:
    found = config.sections.records.get(SECTION, ServiceSettings())
    assert isinstance(found, ServiceSettings)
    return found
