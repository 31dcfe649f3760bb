"""What the worker does about suppliers: purchase orders go out, whoever has not answered is reminded, and passed over."""

from __future__ import annotations

import asyncio
import contextlib

import structlog

from comptoir.kernel.errors import Fault, Remedy
from comptoir.kernel.time import utcnow
from comptoir.modules.inventory import api as inventory
from comptoir.modules.locations import api as locations
from comptoir.modules.locations.contracts import Location
from comptoir.modules.lots import api as lots
from comptoir.modules.notices import api as notices
from comptoir.modules.notices.contracts import Sender
from comptoir.modules.purchasing import api as purchasing
from comptoir.modules.purchasing.contracts import Claimed, LetterKind
from comptoir.runtime import mail
from comptoir.runtime.crypto import Keyring
from comptoir.runtime.database import Database, DatabaseUnavailable
from comptoir.runtime.jobs import JobRunner, Recurrence
from comptoir.runtime.mail import MailServer
from comptoir.runtime.presence import REMIND_EVERY
from comptoir.runtime.settings import Settings
from comptoir.surfaces.documents import api as documents
from comptoir.surfaces.documents.errors import DocumentTooLarge
from comptoir.surfaces.jobs.notices import server_of
from comptoir.surfaces.notices.supplier_letters import letter
from comptoir.surfaces.supplying import SupplierLinks, paper, sender_of

log = structlog.get_logger("comptoir.supplying")

_AT_ONCE = 4


class Supplying:
    """Runs until `stop`, which lets what is under way end."""

    def __init__(self, database: Database, links: SupplierLinks, server: MailServer | None, *, poll: float = 3.0) -> None:
        self._database = database
        self._links = links
        self._server = server
        self._poll = poll
        self._stopping = asyncio.Event()

    @classmethod
    def of(cls, database: Database, keyring: Keyring, settings: Settings) -> Supplying:
        return cls(database, SupplierLinks(keyring, settings.public_url), server_of(settings))

    def add_to(self, runner: JobRunner) -> None:
        runner.add("purchasing.clock", self.tick, every=Recurrence("* * * * *"), attempts=1)
        runner.add("inventory.replenish", self.replenish, every=Recurrence("37 4 * * *"), attempts=2)
        runner.add("lots.clock", self.look_at_lots, every=Recurrence("*/5 * * * *"), attempts=1)

    async def tick(self) -> None:
        """Asks suppliers for what no event has said, and reminds whoever has not answered."""
        async with self._database.transaction() as tx:
            await purchasing.review(tx)
        async with self._database.transaction() as tx:
            await purchasing.remind(tx)

    async def replenish(self) -> None:
        """Proposes anew what stores should get."""
        async with self._database.transaction() as tx:
            made = await inventory.propose(tx)
        log.info("replenishment was proposed", proposals=made)

    async def look_at_lots(self) -> None:
        """Keeps from buyers what expires too soon, and takes off lots what has left without anybody saying of which."""
        async with self._database.transaction() as tx:
            spot = await lots.review(tx)
        while spot is not None:
            async with self._database.transaction() as tx:
                spot = await lots.review(tx, spot)

    async def run(self) -> None:
        self._stopping.clear()
        while not self._stopping.is_set():
            try:
                while await self.send_some() and not self._stopping.is_set():
                    pass
            except DatabaseUnavailable as fault:
                if not self._database.presence.troubled:
                    log.warning("letters to suppliers wait", problem=fault.detail, seldom=REMIND_EVERY)
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._stopping.wait(), self._poll)

    async def stop(self) -> None:
        self._stopping.set()

    async def send_some(self) -> int:
        """Sends what is due, a few at a time; gives how many there were."""
        async with self._database.transaction() as tx:
            claimed = await purchasing.claim(tx, _AT_ONCE)
        for one in claimed:
            problem, never = await self._sent(one)
            async with self._database.transaction() as tx:
                state = await purchasing.settle_letter(tx, one, problem, never=never)
            log.info("letter to a supplier", purchase=one.purchase.number, kind=one.letter.kind, state=state or "lost")
        return len(claimed)

    async def _sent(self, claimed: Claimed) -> tuple[str, bool]:
        """(problem, whether it is no use to try again); no problem where it has gone."""
        one = claimed.purchase
        async with self._database.read() as reader:
            sender = sender_of(await notices.senders(reader), one.channel_code)
            place = await locations.get(reader, one.location_id)
        if sender is None:
            return "no channel has a sender", False
        if not claimed.terms.email:
            return "the supplier has no address", True
        link = self._links.page(one.id, utcnow())
        try:
            if self._server is None:
                raise mail.MailNotAuthorised("no mail server is set up (COMPTOIR_SMTP_HOST)", remedy=Remedy.MERCHANT)
            pdf = None if claimed.letter.kind is LetterKind.CANCELLED else await self._printed(claimed, place, sender, link)
            await mail.send(self._server, letter(claimed, sender, link, place.time_zone, pdf))
        except Fault as fault:
            return fault.detail or fault.code, fault.remedy is Remedy.NOBODY
        except (ValueError, UnicodeError):
            return "the address is none", True
        return "", False

    async def _printed(self, claimed: Claimed, place: Location, sender: Sender, link: str) -> bytes | None:
        """The paper; a machine that cannot print does not keep the letter, which has the file and the page."""
        try:
            return await documents.render(paper(claimed.purchase, place, sender, link), claimed.terms.locale)
        except (Fault, DocumentTooLarge):
            log.warning("a purchase order goes out without its paper", purchase=claimed.purchase.number)
            return None
