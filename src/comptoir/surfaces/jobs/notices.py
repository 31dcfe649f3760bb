"""Sends notices: claims what is due, sends it outside of any transaction, records what came of it."""

from __future__ import annotations

import asyncio
import contextlib
import random
from datetime import timedelta

import structlog

from comptoir.kernel.errors import Fault, Remedy
from comptoir.kernel.ids import to_text
from comptoir.kernel.time import utcnow
from comptoir.modules.notices import api as notices
from comptoir.modules.notices.contracts import NOTICE_PREFIX, Claimed, House, Medium, Outcome, Result, Sender
from comptoir.runtime import mail
from comptoir.runtime.crypto import Keyring
from comptoir.runtime.database import Database, DatabaseUnavailable
from comptoir.runtime.http import HttpClient
from comptoir.runtime.jobs import JobRunner, Recurrence
from comptoir.runtime.mail import MailServer
from comptoir.runtime.presence import REMIND_EVERY
from comptoir.runtime.settings import Settings
from comptoir.surfaces.notices.letters import letter, text
from comptoir.surfaces.notices.texts import GatewayProvider, TextMessage, TextProvider, provider

log = structlog.get_logger("comptoir.notices")

ADDRESSES_FOR = timedelta(days=30)
"""How long the address of a notice that failed is kept, for whoever wants to try again."""
_AT_ONCE = 8


def server_of(settings: Settings) -> MailServer | None:
    """Where our e-mail goes out; None where nothing is set up."""
    if settings.smtp_host is None:
        return None
    return MailServer(
        settings.smtp_host, settings.smtp_port, settings.smtp_security, settings.smtp_user, settings.smtp_password
    )


class NoticeSender:
    """Runs until `stop`, which lets what is under way end."""

    def __init__(
        self,
        database: Database,
        keyring: Keyring,
        server: MailServer | None,
        texts: TextProvider,
        *,
        poll: float = 2.0,
    ) -> None:
        self._database = database
        self._keyring = keyring
        self._server = server
        self._texts = texts
        self._poll = poll
        self._stopping = asyncio.Event()

    @classmethod
    def of(cls, database: Database, keyring: Keyring, settings: Settings, http: HttpClient) -> NoticeSender:
        return cls(database, keyring, server_of(settings), GatewayProvider(database, keyring, http, provider(settings)))

    def add_to(self, runner: JobRunner) -> None:
        runner.add("notices.forget", self.forget, every=Recurrence("52 3 * * *"), attempts=2)

    async def forget(self) -> None:
        async with self._database.transaction() as tx:
            await notices.forget(tx, tx.now - ADDRESSES_FOR)

    async def run(self) -> None:
        self._stopping.clear()
        while not self._stopping.is_set():
            try:
                while await self.send_some() and not self._stopping.is_set():
                    pass
            except DatabaseUnavailable as fault:
                if not self._database.presence.troubled:
                    log.warning("notices wait", problem=fault.detail, seldom=REMIND_EVERY)
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._stopping.wait(), self._poll)

    async def stop(self) -> None:
        self._stopping.set()

    async def send_some(self) -> int:
        """Sends what is due, a few at a time; gives how many there were."""
        async with self._database.transaction() as tx:
            claimed = await notices.claim(tx, _AT_ONCE)
            house = await notices.house(tx) if claimed else House()
        await asyncio.gather(*(self._send(one, house) for one in claimed))
        return len(claimed)

    async def _send(self, claimed: Claimed, house: House) -> None:
        now = utcnow()
        until = notices.quiet_until(claimed.medium, now, claimed.zone, house)
        if until > now:
            async with self._database.transaction() as tx:
                await notices.put_off(tx, claimed, until)
            return
        result = await self._tried(claimed)
        async with self._database.transaction() as tx:
            state = await notices.settle(tx, claimed, result, jitter=random.random())  # noqa: S311 - spreads load
        log.info("notice", notice=str(claimed.id), kind=claimed.kind, medium=claimed.medium, state=state or "lost")

    async def _tried(self, claimed: Claimed) -> Result:
        sender = claimed.sender
        if sender is None or not sender.active:
            return Result(Outcome.NEVER, "the channel writes to nobody any more")
        async with self._database.read() as reader:
            wanted = await notices.still_wanted(reader, claimed.order_id, claimed.medium)
        if not wanted:
            return Result(Outcome.NEVER, "the buyer wants no such messages any more")
        try:
            await self._handed_over(claimed, sender)
        except Fault as fault:
            never = fault.remedy is Remedy.NOBODY
            return Result(Outcome.NEVER if never else Outcome.LATER, fault.detail, fault.retry_after)
        except (ValueError, UnicodeError):
            return Result(Outcome.NEVER, "the address is none")
        return Result(Outcome.SENT)

    async def _handed_over(self, claimed: Claimed, sender: Sender) -> None:
        given = notices.opened(claimed, self._keyring)
        if claimed.medium is not Medium.EMAIL:
            message = TextMessage(
                id=to_text(NOTICE_PREFIX, claimed.id),
                medium=claimed.medium,
                sender=sender.phone,
                to=given.to,
                text=text(claimed, sender, given),
                locale=claimed.locale,
                kind=claimed.kind.value,
            )
            await self._texts.send(message)
            return
        if self._server is None:
            raise mail.MailNotAuthorised("no mail server is set up (COMPTOIR_SMTP_HOST)", remedy=Remedy.MERCHANT)
        await mail.send(self._server, letter(claimed, sender, given))
