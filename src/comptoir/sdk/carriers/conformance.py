"""What every connector to a carrier has to pass, against a simulator of its far side.

Make a test class of it, with a fixture that gives a fresh rig to each test:

    class TestMyCarrier(CarrierConformance):
        @pytest.fixture
        async def rig(self): ...

A connector that cannot do something passes by refusing it with its reason.
"""

from __future__ import annotations

import io
import itertools
import logging
import traceback
from collections.abc import Awaitable, Callable, Generator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Protocol, TypeVar

import msgspec
import structlog

from comptoir.kernel.errors import Fault, Refusal, Remedy
from comptoir.kernel.money import Currency, Money
from comptoir.runtime import log
from comptoir.sdk.carriers.contract import Capability, CarrierConnector
from comptoir.sdk.carriers.errors import (
    CarrierBusy,
    CarrierCannot,
    ForgedWebhook,
    LabelDearer,
    NotAuthorised,
    OutcomeUnknown,
    ReferenceSpent,
    ServiceNotOffered,
    ShipmentRejected,
    UnreadableWebhook,
)
from comptoir.sdk.carriers.values import (
    Instructed,
    Instruction,
    InstructionKind,
    Label,
    LabelRequest,
    Pickup,
    PickupRequest,
    PickupState,
    RateRequest,
    VoidState,
    Waybill,
)
from comptoir.sdk.tracking import Scan, TrackingStatus, distinct, scan_key, status_of

E = TypeVar("E", bound=BaseException)

_numbers = itertools.count(1)


class CarrierRig(Protocol):
    """A connector and the simulator that it speaks to. Where there is nobody to call, nothing after `request` is asked for."""

    carrier: CarrierConnector
    secrets: Sequence[str]
    """All that must never be shown."""
    now: datetime
    service: str
    """One that is offered for `request`."""
    signs_bodies: bool
    """Whether the signature of a webhook is over what it says."""

    def request(self) -> RateRequest: ...

    def lose_answer(self, status: int | None = None) -> None:
        """The next purchase is made; its answer is this status of a broken server, or never comes."""
        ...

    def stall(self) -> None:
        """From now on nothing is answered in time, and nothing is done."""
        ...

    def fail(self, status: int, retry_after: int | None = None) -> None:
        """From now on everything is answered with this HTTP status, and nothing is done."""
        ...

    def revoke(self) -> None:
        """From now on the key is not accepted; the carrier repeats it in what it says."""
        ...

    def recover(self) -> None:
        """All is well again."""
        ...

    def bought(self) -> int:
        """How many labels were sold."""
        ...

    def scan(self, tracking_number: str, code: str, at: datetime) -> None:
        """The carrier scans a parcel, in its own words."""
        ...

    def codes(self) -> tuple[str, str, str]:
        """The carrier's words for in transit, for delivered, and one that nobody knows."""
        ...

    def webhook(self, tracking_number: str) -> tuple[dict[str, str], bytes]:
        """What the carrier sends of the latest scan of this parcel."""
        ...

    def undelivered(self) -> Waybill:
        """A parcel that the carrier could not hand over. Asked for where instructions are taken."""
        ...

    def instructions(self) -> int:
        """How many instructions the carrier has taken. Asked for where they are."""
        ...


async def _caught(kind: type[E] | tuple[type[E], ...], call: Callable[[], Awaitable[object]]) -> E:
    try:
        await call()
    except kind as problem:
        return problem
    raise AssertionError("this was to be refused")


@contextmanager
def _logged() -> Generator[io.StringIO]:
    """All that is logged meanwhile, set up as in production and at its most talkative."""
    root, before = logging.getLogger(), structlog.get_config()
    handlers, level = root.handlers[:], root.level
    text = io.StringIO()
    log.setup(level="debug", stream=text)
    try:
        yield text
    finally:
        logging.captureWarnings(capture=False)
        root.handlers[:] = handlers
        root.setLevel(level)
        structlog.configure(**before)


def _label_request(rig: CarrierRig) -> LabelRequest:
    return LabelRequest(reference=f"CMP-{next(_numbers):06d}", shipment=rig.request(), service=rig.service)


def _can(rig: CarrierRig, *capabilities: Capability) -> bool:
    return rig.carrier.info.capabilities.issuperset(capabilities)


def _pickup_request(rig: CarrierRig, label: Label) -> PickupRequest:
    shipment = rig.request()
    return PickupRequest(
        reference=f"PICK-{next(_numbers):06d}",
        address=shipment.sender,
        labels=(label,),
        from_at=rig.now + timedelta(hours=1),
        until_at=rig.now + timedelta(hours=4),
        weight=shipment.parcel.weight,
    )


def _instruction(rig: CarrierRig, waybill: Waybill, kind: InstructionKind) -> Instruction:
    day = (rig.now + timedelta(days=2)).date()
    return Instruction(
        reference=f"TELL-{next(_numbers):06d}",
        waybill=waybill,
        kind=kind,
        on=day if kind is InstructionKind.REATTEMPT else None,
        recipient=rig.request().recipient,
        pickup_point="Relais du Port" if kind is InstructionKind.PICKUP else "",
    )


async def _taken(rig: CarrierRig, said: Instruction) -> Instructed | None:
    """None for a kind that the carrier does not take, and says why."""
    try:
        return await rig.carrier.instruct(said)
    except CarrierCannot as refused:
        reason = str(refused.data["reason"])
    assert len(reason) > 10, "a reason is a sentence"
    return None


async def _known(rig: CarrierRig, label: Label) -> tuple[Scan, ...]:
    (update,) = await rig.carrier.track([Waybill(label.tracking_number, label.service)])
    assert update.tracking_number == label.tracking_number
    return update.scans


def _is_about_nothing(carrier: CarrierConnector, body: bytes) -> bool:
    try:
        return carrier.read_webhook(body) == []
    except UnreadableWebhook as refused:
        return len(refused.detail) < 1_000


class CarrierConformance:
    """Each test is a sentence about a carrier."""

    async def test_what_it_cannot_do_it_refuses_with_its_reason(self, rig: CarrierRig) -> None:
        carrier, request = rig.carrier, rig.request()
        label = Label(reference="r", tracking_number="t", shipment_id="s", service=rig.service)
        pickup = Pickup(reference="r", id="p", state=PickupState.SCHEDULED)
        abroad = msgspec.structs.replace(request.recipient, country="CH")

        async def webhook() -> None:
            carrier.verify_webhook({}, b"", rig.now)

        calls: dict[Capability, Callable[[], Awaitable[object]]] = {
            Capability.RATES: lambda: carrier.rates(request),
            Capability.LABELS: lambda: carrier.buy(_label_request(rig)),
            Capability.VOID: lambda: carrier.void(label),
            Capability.PICKUP: lambda: carrier.schedule_pickup(_pickup_request(rig, label)),
            Capability.CANCEL_PICKUP: lambda: carrier.cancel_pickup(pickup),
            Capability.MANIFEST: lambda: carrier.manifest([label]),
            Capability.TRACK: lambda: carrier.track([Waybill("t", rig.service)]),
            Capability.WEBHOOKS: webhook,
            Capability.INSTRUCT: lambda: carrier.instruct(
                _instruction(rig, Waybill("t", rig.service), InstructionKind.REATTEMPT)
            ),
            Capability.CUSTOMS: lambda: carrier.buy(replace(_label_request(rig), shipment=replace(request, recipient=abroad))),
            Capability.COLLECT: lambda: carrier.rates(replace(request, collect=Money(1_000, Currency("EUR")))),
            Capability.DANGEROUS: lambda: carrier.rates(replace(request, dangerous=True)),
            Capability.RETURNS: lambda: carrier.buy(replace(_label_request(rig), shipment=replace(request, is_return=True))),
            Capability.POINTS: lambda: carrier.points(request.recipient, 5),
        }
        assert calls.keys() == set(Capability)
        for capability, reason in carrier.info.missing.items():
            refused = await _caught(CarrierCannot, calls[capability])
            told = str(refused.data["reason"])
            assert told in carrier.info.missing.values(), f"{capability}: {reason}"
            assert len(told) > 10, "a reason is a sentence"

    async def test_rates_are_well_formed(self, rig: CarrierRig) -> None:
        if not _can(rig, Capability.RATES):
            return
        rates = await rig.carrier.rates(rig.request())
        assert rig.service in {rate.service for rate in rates}
        assert len({rate.service for rate in rates}) == len(rates), "a service is offered once"
        costs = [(rate.cost.currency, rate.cost.minor) for rate in rates]
        assert costs == sorted(costs), "cheapest first"
        for rate in rates:
            assert rate.cost.minor >= 0
            assert rate.carrier
            assert rate.days is None or rate.days >= 0

    async def test_pickup_points_are_few_and_have_names(self, rig: CarrierRig) -> None:
        if not _can(rig, Capability.POINTS):
            return
        points = await rig.carrier.points(rig.request().recipient, 2)
        assert 0 < len(points) <= 2
        assert len({point.id for point in points}) == len(points), "a point is told once"
        for point in points:
            assert point.id
            assert point.name
            assert point.address.country == rig.request().recipient.country
            assert len(point.hours) in {0, 7}, "hours are of a week, or not told"

    async def test_two_purchases_with_one_reference_are_one_label(self, rig: CarrierRig) -> None:
        if not _can(rig, Capability.LABELS):
            return
        wanted = _label_request(rig)
        first, second = await rig.carrier.buy(wanted), await rig.carrier.buy(wanted)
        assert (first.reference, first.service, first.voided) == (wanted.reference, rig.service, False)
        assert first.tracking_number
        assert (second.tracking_number, second.shipment_id) == (first.tracking_number, first.shipment_id)
        assert rig.bought() == 1
        other = await rig.carrier.buy(_label_request(rig))
        assert other.tracking_number != first.tracking_number
        assert rig.bought() == 2

    async def test_a_label_whose_answer_was_lost_is_found_again(self, rig: CarrierRig) -> None:
        if not _can(rig, Capability.LABELS):
            return
        for count, status in enumerate((None, 500, 503), start=1):
            wanted = _label_request(rig)
            rig.lose_answer(status)
            unknown = await _caught(OutcomeUnknown, lambda wanted=wanted: rig.carrier.buy(wanted))
            assert (unknown.remedy, unknown.data["reference"]) == (Remedy.WAIT, wanted.reference)
            assert rig.bought() == count
            found = await rig.carrier.find_label(wanted.reference)
            assert found is not None
            assert found.reference == wanted.reference
            again = await rig.carrier.buy(wanted)
            assert again.tracking_number == found.tracking_number
            assert rig.bought() == count

    async def test_nothing_is_found_where_nothing_was_bought(self, rig: CarrierRig) -> None:
        if _can(rig, Capability.LABELS):
            assert await rig.carrier.find_label("CMP-NEVER") is None

    async def test_a_label_that_has_become_dearer_is_not_bought(self, rig: CarrierRig) -> None:
        if not _can(rig, Capability.LABELS, Capability.RATES):
            return
        cost = next(rate.cost for rate in await rig.carrier.rates(rig.request()) if rate.service == rig.service)
        wanted = replace(_label_request(rig), at_most=Money(cost.minor - 1, cost.currency))
        dearer = await _caught(LabelDearer, lambda: rig.carrier.buy(wanted))
        assert (dearer.data["cost"], dearer.data["at_most"]) == (cost.minor, cost.minor - 1)
        assert rig.bought() == 0
        assert (await rig.carrier.buy(replace(wanted, at_most=cost))).cost == cost

    async def test_a_service_that_is_not_offered_is_not_bought(self, rig: CarrierRig) -> None:
        if not _can(rig, Capability.LABELS):
            return
        wanted = replace(_label_request(rig), service="999/nobody")
        await _caught((ServiceNotOffered, ShipmentRejected), lambda: rig.carrier.buy(wanted))
        assert rig.bought() == 0

    async def test_a_label_is_given_back_once_and_its_reference_is_spent(self, rig: CarrierRig) -> None:
        if not _can(rig, Capability.LABELS, Capability.VOID):
            return
        wanted = _label_request(rig)
        label = await rig.carrier.buy(wanted)
        first, second = await rig.carrier.void(label), await rig.carrier.void(label)
        assert first.state in {VoidState.VOIDED, VoidState.REQUESTED}
        assert second.state is first.state
        found = await rig.carrier.find_label(wanted.reference)
        assert found is not None
        assert found.voided
        await _caught(ReferenceSpent, lambda: rig.carrier.buy(wanted))
        assert rig.bought() == 1

    async def test_a_carrier_that_does_not_answer_is_waited_for(self, rig: CarrierRig) -> None:
        if not _can(rig, Capability.LABELS):
            return
        wanted = _label_request(rig)
        for breaking in (rig.stall, lambda: rig.fail(500), lambda: rig.fail(503)):
            breaking()
            for call in (lambda: rig.carrier.buy(wanted), lambda: rig.carrier.find_label(wanted.reference)):
                fault = await _caught(Fault, call)
                assert fault.remedy is Remedy.WAIT
            rig.recover()
        assert rig.bought() == 0
        await rig.carrier.buy(wanted)
        assert rig.bought() == 1

    async def test_a_busy_carrier_says_when_to_come_back(self, rig: CarrierRig) -> None:
        if not _can(rig, Capability.LABELS):
            return
        rig.fail(429, retry_after=7)
        busy = await _caught(CarrierBusy, lambda: rig.carrier.buy(_label_request(rig)))
        assert (busy.remedy, busy.retry_after) == (Remedy.WAIT, 7.0)
        assert rig.bought() == 0

    async def test_a_key_that_is_not_accepted_is_the_retailers_to_put_right(self, rig: CarrierRig) -> None:
        if not _can(rig, Capability.LABELS):
            return
        rig.revoke()
        for call in (lambda: rig.carrier.buy(_label_request(rig)), lambda: rig.carrier.rates(rig.request())):
            assert (await _caught(NotAuthorised, call)).remedy is Remedy.MERCHANT
        assert rig.bought() == 0

    async def test_a_driver_comes_for_a_parcel(self, rig: CarrierRig) -> None:
        if not _can(rig, Capability.LABELS, Capability.PICKUP):
            return
        asked = _pickup_request(rig, await rig.carrier.buy(_label_request(rig)))
        pickup = await rig.carrier.schedule_pickup(asked)
        assert (pickup.reference, pickup.state) == (asked.reference, PickupState.SCHEDULED)
        assert pickup.confirmation
        if _can(rig, Capability.CANCEL_PICKUP):
            for _ in range(2):
                assert (await rig.carrier.cancel_pickup(pickup)).state is PickupState.CANCELLED

    async def test_a_manifest_lists_its_parcels(self, rig: CarrierRig) -> None:
        if not _can(rig, Capability.LABELS, Capability.MANIFEST):
            return
        labels = [await rig.carrier.buy(_label_request(rig)) for _ in range(3)]
        manifest = await rig.carrier.manifest(labels)
        assert sorted(manifest.tracking_numbers) == sorted(label.tracking_number for label in labels)

    async def test_what_is_to_become_of_a_parcel_is_said_once_however_often_it_is_told(self, rig: CarrierRig) -> None:
        if not _can(rig, Capability.INSTRUCT):
            return
        taken = 0
        for kind in InstructionKind:
            said = _instruction(rig, rig.undelivered(), kind)
            first = await _taken(rig, said)
            if first is None:
                continue
            taken += 1
            second = await rig.carrier.instruct(said)
            assert (first.reference, second.reference) == (said.reference, said.reference)
            assert second.confirmation == first.confirmation
            assert rig.instructions() == taken
        assert taken, "a carrier that takes instructions takes one kind of them at least"

    async def test_an_instruction_whose_answer_was_lost_is_told_again(self, rig: CarrierRig) -> None:
        if not _can(rig, Capability.INSTRUCT):
            return
        for count, status in enumerate((None, 500, 503), start=1):
            said = _instruction(rig, rig.undelivered(), InstructionKind.REATTEMPT)
            rig.lose_answer(status)
            unknown = await _caught(OutcomeUnknown, lambda said=said: rig.carrier.instruct(said))
            assert (unknown.remedy, unknown.data["reference"]) == (Remedy.WAIT, said.reference)
            assert (await rig.carrier.instruct(said)).reference == said.reference
            assert rig.instructions() == count

    async def test_an_instruction_that_the_carrier_does_not_take_changes_nothing(self, rig: CarrierRig) -> None:
        if not _can(rig, Capability.INSTRUCT):
            return
        said = _instruction(rig, rig.undelivered(), InstructionKind.REATTEMPT)
        shown: list[str] = []
        breaking: list[tuple[Callable[[], None], type[Fault], Remedy]] = [
            (lambda: rig.fail(429, retry_after=7), CarrierBusy, Remedy.WAIT),
            (rig.revoke, NotAuthorised, Remedy.MERCHANT),
            (rig.stall, OutcomeUnknown, Remedy.WAIT),
        ]
        for broken, kind, remedy in breaking:
            broken()
            problem = await _caught(kind, lambda: rig.carrier.instruct(said))
            assert problem.remedy is remedy
            shown += self._all_of(problem)
            rig.recover()
        assert rig.instructions() == 0
        nobodys = replace(said, waybill=Waybill("NOBODYS-NUMBER", said.waybill.service))
        assert (await _caught(ShipmentRejected, lambda: rig.carrier.instruct(nobodys))).remedy is Remedy.MERCHANT
        for secret in rig.secrets:
            assert not any(secret in one for one in shown)

    async def test_a_status_that_nobody_knows_is_kept_as_it_came(self, rig: CarrierRig) -> None:
        if not _can(rig, Capability.LABELS, Capability.TRACK):
            return
        label = await rig.carrier.buy(_label_request(rig))
        in_transit, _, strange = rig.codes()
        rig.scan(label.tracking_number, in_transit, rig.now)
        rig.scan(label.tracking_number, strange, rig.now + timedelta(hours=1))
        scans = await _known(rig, label)
        (unknown,) = [scan for scan in scans if scan.raw_code == strange]
        assert unknown.status is TrackingStatus.UNKNOWN
        assert status_of(scans) is TrackingStatus.IN_TRANSIT

    async def test_a_parcel_that_the_carrier_does_not_know_is_left_out(self, rig: CarrierRig) -> None:
        if _can(rig, Capability.TRACK):
            assert await rig.carrier.track([Waybill("NOBODYS-NUMBER", rig.service)]) == []

    async def test_a_forged_message_is_refused(self, rig: CarrierRig) -> None:
        if not _can(rig, Capability.LABELS, Capability.WEBHOOKS):
            return
        label = await rig.carrier.buy(_label_request(rig))
        rig.scan(label.tracking_number, rig.codes()[0], rig.now)
        headers, body = rig.webhook(label.tracking_number)
        rig.carrier.verify_webhook(headers, body, rig.now)
        rig.carrier.verify_webhook({name.upper(): value for name, value in headers.items()}, body, rig.now)
        forged: list[tuple[dict[str, str], bytes]] = [
            ({}, body),
            (dict.fromkeys(headers, ""), body),
            ({name: value[::-1] for name, value in headers.items()}, body),
            ({name: f"é{value}" for name, value in headers.items()}, body),
        ]
        if rig.signs_bodies:
            forged += [(headers, body + b" "), (headers, b"")]
        for its_headers, its_body in forged:

            async def verify(its_headers: dict[str, str] = its_headers, its_body: bytes = its_body) -> None:
                rig.carrier.verify_webhook(its_headers, its_body, rig.now)

            await _caught(ForgedWebhook, verify)

    async def test_messages_may_come_twice_late_and_in_any_order(self, rig: CarrierRig) -> None:
        if not _can(rig, Capability.LABELS, Capability.WEBHOOKS, Capability.TRACK):
            return
        label = await rig.carrier.buy(_label_request(rig))
        in_transit, delivered, _ = rig.codes()
        messages: list[bytes] = []
        for hours, code in enumerate((in_transit, in_transit, delivered)):
            rig.scan(label.tracking_number, code, rig.now + timedelta(hours=hours))
            messages.append(rig.webhook(label.tracking_number)[1])
        polled = {scan_key(scan) for scan in await _known(rig, label)}
        for order in itertools.permutations(messages):
            scans: list[Scan] = []
            for body in (*order, *order):
                for update in rig.carrier.read_webhook(body):
                    assert update.tracking_number == label.tracking_number
                    assert update.latest is None or update.latest in update.scans
                    scans.extend(update.scans)
            assert status_of(scans) is TrackingStatus.DELIVERED
            assert {scan_key(scan) for scan in distinct(scans)} == polled, "told and asked, a scan is the same"

    async def test_a_message_that_makes_no_sense_is_refused_or_about_nothing(self, rig: CarrierRig) -> None:
        if not _can(rig, Capability.WEBHOOKS):
            return
        for body in (b"", b"{}", b"[]", b"null", b"\xff\xfe", b'{"a": 1}', b"[" * 2_000):
            assert _is_about_nothing(rig.carrier, body)

    async def test_secrets_stay_secret(self, rig: CarrierRig) -> None:
        shown = [repr(rig.carrier), str(rig.carrier), repr(rig.carrier.info)]
        with _logged() as text:
            if _can(rig, Capability.LABELS):
                for breaking in (rig.revoke, rig.stall, lambda: rig.fail(500), lambda: rig.fail(418), rig.lose_answer):
                    breaking()
                    problem = await _caught((Fault, Refusal), lambda: rig.carrier.buy(_label_request(rig)))
                    shown += self._all_of(problem)
                    rig.recover()
            if _can(rig, Capability.WEBHOOKS):

                async def verify() -> None:
                    rig.carrier.verify_webhook({"x": "y"}, b"{}", rig.now)

                shown += self._all_of(await _caught(Refusal, verify))
        shown.append(text.getvalue())
        assert rig.secrets or not any(field.secret for field in rig.carrier.info.auth)
        for secret in rig.secrets:
            assert not any(secret in one for one in shown)

    @staticmethod
    def _all_of(problem: BaseException) -> list[str]:
        """All that a log, a page or a debugger could show of it, and of what led to it."""
        shown = ["".join(traceback.format_exception(problem))]
        chain: list[BaseException | None] = [problem]
        while (one := chain.pop()) is not None:
            shown += [str(one), repr(one), repr(getattr(one, "data", "")), repr(one.args)]
            chain.append(one.__cause__ or one.__context__)
        return shown
