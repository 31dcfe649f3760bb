"""What to do about a rejected row, where that is done differently on the console, through the API and with the command."""

from __future__ import annotations

from enum import StrEnum

from comptoir.i18n import N_


class Origin(StrEnum):
    """Where an import was started, and will be started again."""

    CONSOLE = "console"
    API = "api"
    COMMAND = "command"

    @classmethod
    def of(cls, actor: str) -> Origin:
        """People start imports on the console, tokens through the API, and nobody but the command without a name."""
        return {"user": cls.CONSOLE, "token": cls.API}.get(actor.partition(":")[0], cls.COMMAND)


UNKNOWN_SKU = {
    Origin.CONSOLE: N_(
        "Import it with the products, correct the row, or send the file again with “Make products of unknown SKUs” on yes."
    ),
    Origin.API: "Import it with the products, correct the row, or start the import with `create_products`: true.",
    Origin.COMMAND: "Import it with the products, correct the row, or say --create-products.",
}
