"""Messages to telephones: what a provider has to do, and one for development that sends nothing."""

from __future__ import annotations

from typing import Protocol

import structlog

from comptoir.kernel.errors import Fault, Remedy
from comptoir.modules.notices.contracts import Medium
from comptoir.runtime.settings import Settings

log = structlog.get_logger("comptoir.texts")


class NoProvider(Fault):
    """Messages to telephones are asked for, and no provider is set up."""

    code = "no_text_provider"


class TextProvider(Protocol):
    """Whoever takes messages to telephones."""

    async def send(self, medium: Medium, sender: str, to: str, text: str) -> None:
        """Raises a Fault that says who can put it right; its text names no number."""
        ...


class LogProvider:
    """Says in the log that there was a message, without whom it was to and what it said. For development only."""

    async def send(self, medium: Medium, sender: str, to: str, text: str) -> None:
        log.info("a message to a telephone", medium=medium.value, sender=sender, digits=len(to), characters=len(text))


class Refuses:
    """Where nothing is set up: a message that nobody sends must not look as if it had been sent."""

    async def send(self, medium: Medium, sender: str, to: str, text: str) -> None:
        del sender, to, text
        raise NoProvider(f"no provider for {medium.value} is set up (COMPTOIR_TEXTS)", remedy=Remedy.MERCHANT)


def provider(settings: Settings) -> TextProvider:
    return LogProvider() if settings.texts == "log" else Refuses()
