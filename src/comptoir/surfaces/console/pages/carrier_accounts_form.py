"""The form of an account with a carrier: what the carrier knows us by is typed in, and never shown again."""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from urllib.parse import urlencode

from comptoir.connectors import karrio
from comptoir.connectors.karrio import ServerProblem
from comptoir.i18n import N_
from comptoir.kernel.errors import NotFound
from comptoir.modules.staff.contracts import Permission
from comptoir.modules.tracking import api as tracking
from comptoir.modules.tracking.contracts import Account, AccountDraft
from comptoir.runtime.crypto import Undecipherable
from comptoir.runtime.database import Tx
from comptoir.sdk.carriers import AuthField, CarrierInfo
from comptoir.surfaces.carriage import file_carrier
from comptoir.surfaces.console.forms import Fields
from comptoir.surfaces.console.pages import asking, shown_once
from comptoir.surfaces.console.pages.asking import Question, Typed
from comptoir.surfaces.console.pages.carrier_accounts import (
    FILES,
    HERE,
    account_href,
    account_id_of,
    account_text,
    connector_name,
    options,
    require_kind,
    webhook_field,
)
from comptoir.surfaces.console.pages.shown_once import Shown
from comptoir.surfaces.console.web import Answer, Area, Done, Visit

area = Area("settings")

_CREDENTIAL, _FORGET = "cred:", "forget:"
_MOST_SECRET = 4_000
LABELS: Mapping[str, str] = {
    "api_key": N_("API key"),
    "webhook_secret": N_("Webhook secret"),
    "customs_signer": N_("Who signs for customs"),
    "username": N_("User name"),
    "key": N_("License key"),
    "webhook_key": N_("Webhook key"),
    "tax_number": N_("GST number"),
    "codes": N_("Their words for our states"),
    "karrio.server": N_("Address of the server"),
    "karrio.connections": N_("Connections to ask"),
}
HELPS: Mapping[str, str] = {
    "api_key": N_("A test key begins with EZTK, a production key with EZAK."),
    "webhook_key": N_("What the carrier sends with every message."),
    "codes": N_("Such as LIV=delivered; ENL=picked_up. Ours are always understood."),
    "karrio.server": N_("Where its API answers, such as https://karrio.example.com. It is not the address of its dashboard."),
    "karrio.api_key": N_("It stands in Karrio's dashboard under Developers, and begins with key_."),
    "karrio.webhook_secret": N_("Karrio makes it: it stands beside the webhook in Karrio's dashboard, and begins with whsec_."),
    "karrio.connections": N_("Names of Karrio's connections, with commas between. Without any, all of them are asked."),
}
"""Of the connectors that there are, one's own before everybody's; another's are shown as it says them."""
SERVER_WORDS: Mapping[ServerProblem, str] = {
    ServerProblem.NO_ADDRESS: N_("Write an address such as https://karrio.example.com."),
    ServerProblem.CREDENTIALS: N_("Write the address without a user name or a password: the API key has a field of its own."),
    ServerProblem.OPEN: N_("Begin the address with https://: the API key would cross the network for everybody to read."),
    ServerProblem.PRIVATE: N_(
        "This leads into a private network. If Karrio runs beside Comptoir, whoever runs both sets "
        "COMPTOIR_ALLOW_PRIVATE_HOSTS=yes."
    ),
}
"""What to write instead of an address of a server that may not be called."""


class _Field:
    """A credential in the form."""

    def __init__(self, visit: Visit, connector: str, field: AuthField, *, kept: bool) -> None:
        own = f"{connector}.{field.name}"
        label, words = LABELS.get(own) or LABELS.get(field.name), HELPS.get(own) or HELPS.get(field.name)
        self.name = f"{_CREDENTIAL}{field.name}"
        self.forget = f"{_FORGET}{field.name}" if kept and not field.required else ""
        self.label = visit.say(label) if label else field.label
        self.help = visit.say(words) if words else field.help
        self.secret = field.secret
        self.required = field.required and not kept
        self.kept = kept and field.secret


async def _account(visit: Visit) -> tuple[Account, dict[str, str]]:
    """With what is kept of it; empty where our key does not open that."""
    async with visit.read() as reader:
        account = await tracking.accounts.get(reader, account_id_of(visit))
        try:
            known = await tracking.accounts.credentials(reader, visit.console.keyring, account.id)
        except Undecipherable:
            known = {}
    return account, known


@area.get(HERE + "/new", Permission.ROUTING_WRITE)
async def new_account(visit: Visit) -> Answer:
    connector = visit.param("connector")
    if not connector:
        return visit.respond("carrier_accounts/new.html", options=options(visit), href=f"{HERE}/new")
    return await _form(visit, require_kind(visit, connector), None, {}, asking.NOTHING_TYPED)


@area.get(HERE + "/{account_id:str}/edit", Permission.ROUTING_WRITE)
async def edit_account(visit: Visit) -> Answer:
    account, known = await _account(visit)
    return await _form(visit, require_kind(visit, account.connector), account, known, asking.NOTHING_TYPED)


async def _form(visit: Visit, info: CarrierInfo, account: Account | None, known: Mapping[str, str], typed: Typed) -> Answer:
    name = connector_name(visit, info.key)
    question = Question(
        title=visit.say(N_("Connect %(name)s"), name=name) if account is None else visit.say(N_("Change the account")),
        fields="carrier_accounts/_fields.html",
        action=f"{HERE}/new?connector={info.key}" if account is None else f"{account_href(account.id)}/edit",
        back=HERE if account is None else account_href(account.id),
        confirm=visit.say(N_("Connect")) if account is None else visit.say(N_("Save")),
        icon="plug" if account is None else "check",
        words=visit.say(N_("What the carrier knows us by is kept sealed, and never shown again.")),
        crumbs=[(visit.say(N_("Carriers")), "/carriers"), (visit.say(N_("Accounts")), HERE)],
        keep=False,
    )
    values: dict[str, object] = {"name": name, "active": "yes"}
    if account is not None:
        values = {
            "name": account.name,
            "carriers": ", ".join(account.carriers),
            "active": "yes" if account.active else "",
            "test": "yes" if account.test else "",
            "version": str(account.version),
        }
    values |= {f"{_CREDENTIAL}{field.name}": known.get(field.name, "") for field in info.auth if not field.secret}
    if typed.refused:
        boxes = {"active": "", "test": "", **typed.values}
        newest = {} if account is None else {"version": str(account.version)}
        typed = Typed({**boxes, **newest}, typed.errors, typed.refused, typed.refusal)
    return asking.ask(
        visit,
        question,
        typed,
        values,
        credentials=[_Field(visit, info.key, field, kept=field.name in known) for field in info.auth],
        files=info.key == FILES,
    )


def _draft(fields: Fields, connector: str) -> AccountDraft:
    carriers = [name.strip() for name in fields.text("carriers", most=2_000).split(",")]
    return AccountDraft(
        connector=connector,
        name=fields.text("name", required=True),
        carriers=tuple(dict.fromkeys(name for name in carriers if name)),
        active=fields.checked("active"),
        test=fields.checked("test"),
    )


def _credentials(fields: Fields, info: CarrierInfo, known: Mapping[str, str], *, allow_private: bool) -> dict[str, str]:
    """What is to be kept: what was typed, else what is there, unless it is to be forgotten."""
    kept: dict[str, str] = {}
    for field in info.auth:
        name = f"{_CREDENTIAL}{field.name}"
        text = fields.text(name, most=_MOST_SECRET)
        if not field.secret:
            kept[field.name] = text
        elif not fields.checked(f"{_FORGET}{field.name}"):
            kept[field.name] = text or known.get(field.name, "")
        if field.required and not kept.get(field.name):
            fields.refuse(name, N_("Fill this in."))
    if info.key == FILES:
        fields.parsed(
            f"{_CREDENTIAL}codes",
            lambda text: file_carrier({"codes": text}),
            None,
            N_("Write each of their words with one of our states, such as LIV=delivered; ENL=picked_up."),
        )
    if info.key == karrio.INFO.key and kept["server"]:
        problem = karrio.problem_of(kept["server"], allow_private=allow_private)
        if problem is not None:
            fields.refuse(f"{_CREDENTIAL}server", SERVER_WORDS[problem])
    return {name: text for name, text in kept.items() if text}


@area.post(HERE + "/new", Permission.ROUTING_WRITE)
async def create_account(visit: Visit) -> Answer:
    fields = visit.fields()
    info = require_kind(visit, visit.param("connector"))
    private = visit.console.services.carriage.allow_private
    draft, credentials = _draft(fields, info.key), _credentials(fields, info, {}, allow_private=private)

    async def work(tx: Tx) -> Done:
        made = await visit.console.services.carriage.connect(tx, draft, credentials)
        data = {"name": made.name, "connector": made.connector}
        await visit.record(tx, "carrier_account.created", account_text(made.id), data)
        return Done(
            account_href(made.id), visit.say(N_("The account is kept. Test it, to see whether the carrier knows our key."))
        )

    return await asking.answer(visit, fields, work, lambda typed: _form(visit, info, None, {}, typed))


@area.post(HERE + "/{account_id:str}/edit", Permission.ROUTING_WRITE)
async def save_account(visit: Visit) -> Answer:
    fields = visit.fields()
    account, known = await _account(visit)
    info = require_kind(visit, account.connector)
    carriage = visit.console.services.carriage
    draft, credentials = _draft(fields, info.key), _credentials(fields, info, known, allow_private=carriage.allow_private)
    version = fields.whole("version", default=0)

    async def work(tx: Tx) -> Done:
        clean = carriage.checked(draft, credentials)
        kept = await tracking.accounts.update(tx, visit.console.keyring, account.id, draft, clean, version=version)
        fresh = sorted(name for name in {*clean, *known} if clean.get(name) != known.get(name))
        data = {"name": kept.name, "credentials": fresh}
        await visit.record(tx, "carrier_account.changed", account_text(kept.id), data)
        return Done(account_href(kept.id), visit.say(N_("The account is saved.")))

    answer = await asking.answer(visit, fields, work, lambda typed: _again(visit, info, typed))
    carriage.forget(account.id)
    return answer


async def _again(visit: Visit, info: CarrierInfo, typed: Typed) -> Answer:
    """The form with what was typed; whoever was slower decides on what holds now."""
    account, known = await _account(visit)
    return await _form(visit, info, account, known, typed)


# The secret of its messages


@area.get(HERE + "/{account_id:str}/secret", Permission.ROUTING_WRITE)
async def ask_secret(visit: Visit) -> Answer:
    return await _secret_form(visit, asking.NOTHING_TYPED)


async def _secret_form(visit: Visit, typed: Typed) -> Answer:
    account, known = await _account(visit)
    field = webhook_field(require_kind(visit, account.connector))
    if field is None or field.theirs:
        raise NotFound(kind="page", id="secret")
    there = field.name in known
    words = (
        N_("The old one holds no longer: until the carrier has the new one, its messages are refused.")
        if there
        else N_("The carrier signs its messages with it. It is shown once: copy it to where the carrier asks for it.")
    )
    question = Question(
        title=visit.say(N_("A new secret for its messages")),
        fields="",
        action=f"{account_href(account.id)}/secret",
        back=account_href(account.id),
        confirm=visit.say(N_("Make a new secret")),
        icon="key",
        tone="danger" if there else "primary",
        words=visit.say(words),
        crumbs=[(visit.say(N_("Accounts")), HERE), (account.name, account_href(account.id))],
        keep=False,
    )
    return asking.ask(visit, question, typed, {})


@area.post(HERE + "/{account_id:str}/secret", Permission.ROUTING_WRITE)
async def renew_secret(visit: Visit) -> Answer:
    account, known = await _account(visit)
    field = webhook_field(require_kind(visit, account.connector))
    if field is None or field.theirs:
        raise NotFound(kind="page", id="secret")
    carriage = visit.console.services.carriage
    secret = secrets.token_urlsafe(32)

    async def work(tx: Tx) -> Done:
        clean = carriage.checked(account, {**known, field.name: secret})
        await tracking.accounts.update(tx, visit.console.keyring, account.id, account, clean)
        await visit.record(tx, "carrier_account.secret_renewed", account_text(account.id), {"name": account.name})
        sealed = shown_once.seal(visit, Shown("carrier", account_text(account.id), secret))
        words = visit.say(N_("The secret is new. Give it to the carrier together with the address."))
        return Done(f"{account_href(account.id)}?{urlencode({'shown': sealed})}", words)

    answer = await asking.answer(visit, visit.fields(), work, lambda typed: _secret_form(visit, typed))
    carriage.forget(account.id)
    return answer
