"""How the audit trail is spoken of: its actions, by the thing that they were done to."""

from __future__ import annotations

from collections.abc import Mapping

from comptoir.i18n import N_
from comptoir.surfaces.console.web import Visit

GROUPS: Mapping[str, str] = {
    "session.": N_("Signing in and out"),
    "user.": N_("Users"),
    "token.": N_("API tokens"),
    "order.": N_("Orders"),
    "stock.": N_("Stock"),
    "fulfilment.": N_("Work of the store"),
    "transfer.": N_("Transfers"),
    "supply.": N_("Incoming"),
    "exception.": N_("Exceptions"),
    "channel.": N_("Channels"),
    "location.": N_("Locations"),
    "pool.": N_("Stock pools"),
    "rule_set.": N_("Rule sets"),
    "carrier_service.": N_("Carriers"),
    "carrier_account.": N_("Carrier accounts"),
    "notice_sender.": N_("Messages to buyers"),
    "import.": N_("Imports"),
    "webhook.": N_("Webhooks"),
    "event.": N_("Events"),
    "demo.": N_("Demo"),
}
ACTIONS: Mapping[str, str] = {
    "session.opened": N_("Signed in"),
    "session.refused": N_("Sign-in refused"),
    "session.ended": N_("Session ended"),
    "user.created": N_("User created"),
    "user.changed": N_("User changed"),
    "user.activated": N_("User let in again"),
    "user.deactivated": N_("User shut out"),
    "user.password_set": N_("Password set"),
    "token.created": N_("API token created"),
    "token.revoked": N_("API token revoked"),
    "order.placed": N_("Order placed"),
    "order.cancel": N_("Units cancelled"),
    "order.release": N_("Stock of the order released"),
    "order.allocate": N_("Stock sought for the order"),
    "order.move": N_("Units moved to another location"),
    "order.ship": N_("Units shipped"),
    "order.return": N_("Units taken back"),
    "order.payment": N_("Payment recorded"),
    "order.note": N_("Note added to the order"),
    "stock.adjust": N_("Stock adjusted"),
    "stock.safety": N_("Safety stock changed"),
    "stock.aside": N_("Damaged or inspected units recorded"),
    "stock.receive": N_("Delivery received unannounced"),
    "stock.counted": N_("Stock counted"),
    "fulfilment.give_back": N_("Units given back by a location"),
    "fulfilment.put_back": N_("Work left to others"),
    "fulfilment.hand_over": N_("Handed to the carrier"),
    "fulfilment.ready": N_("Put on the counter"),
    "fulfilment.collected": N_("Handed to the buyer"),
    "transfer.created": N_("Transfer planned"),
    "transfer.changed": N_("Transfer changed"),
    "transfer.send": N_("Transfer sent"),
    "transfer.receive": N_("Transfer received"),
    "transfer.cancel": N_("Transfer dropped"),
    "supply.announced": N_("Delivery announced"),
    "supply.receive": N_("Announced delivery received"),
    "supply.move": N_("Delivery moved to another day"),
    "supply.cancel": N_("Rest of a delivery cancelled"),
    "exception.resolved": N_("Exception resolved"),
    "channel.created": N_("Channel created"),
    "channel.changed": N_("Channel changed"),
    "channel.rules_changed": N_("Rules of the channel changed"),
    "channel.switched_on": N_("Channel switched on"),
    "channel.switched_off": N_("Channel switched off"),
    "location.created": N_("Location created"),
    "location.changed": N_("Location changed"),
    "location.sending_changed": N_("How a location prepares and sends changed"),
    "pool.created": N_("Stock pool created"),
    "pool.changed": N_("Stock pool changed"),
    "rule_set.created": N_("Rule set created"),
    "rule_set.changed": N_("Rule set changed"),
    "rule_set.put_live": N_("Rule set put live"),
    "rule_set.taken_back": N_("Rule set taken back"),
    "rule_set.retired": N_("Rule set retired"),
    "carrier_service.created": N_("Service of a carrier created"),
    "carrier_service.changed": N_("Service of a carrier changed"),
    "carrier_account.created": N_("Carrier account created"),
    "carrier_account.changed": N_("Carrier account changed"),
    "notice_sender.set": N_("Sender of messages to buyers set"),
    "import.started": N_("File sent to be imported"),
    "import.import": N_("File imported after a look at it, or again"),
    "import.resume": N_("Import resumed"),
    "import.cancel": N_("Import stopped"),
    "webhook.created": N_("Webhook created"),
    "webhook.changed": N_("Webhook changed"),
    "webhook.test": N_("Webhook tested"),
    "webhook.on": N_("Webhook switched on"),
    "webhook.off": N_("Webhook switched off"),
    "webhook.rotate": N_("Secret of the webhook renewed"),
    "webhook.replay": N_("Failed events of the webhook sent again"),
    "webhook.replayed": N_("Event of a webhook sent again"),
    "webhook.delete": N_("Webhook deleted"),
    "event.unpark": N_("Parked event tried again"),
    "event.discard": N_("Parked event given up"),
    "demo.controlled": N_("Speed of the demo set"),
}
_INDENT = "\N{EM SPACE}"


def action_words(visit: Visit, action: str) -> str:
    """What was done; an action of a version that is not this one stays as it is."""
    return visit.say(ACTIONS[action]) if action in ACTIONS else action


def choice_words(visit: Visit) -> dict[str, str]:
    """Every action, and the beginning that all of a group have, for a filter."""
    return {code: visit.say(word) for words in (GROUPS, ACTIONS) for code, word in words.items()}


def choices(visit: Visit) -> list[tuple[str, str]]:
    """The same in the order of a list: below each group its actions."""
    words = choice_words(visit)
    result: list[tuple[str, str]] = []
    for group in GROUPS:
        result.append((group, words[group]))
        result += [(action, f"{_INDENT}{words[action]}") for action in ACTIONS if action.startswith(group)]
    return result
