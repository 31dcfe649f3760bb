"""Manifests that carriers have made for us: what they take along, to be printed again."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from comptoir.kernel.ids import uuid7
from comptoir.modules.locations.contracts import LocationId
from comptoir.modules.tracking.contracts import AccountId, HandedManifest, LabelId, ManifestId
from comptoir.modules.tracking.errors import UnknownManifest
from comptoir.modules.tracking.store import labels as store_labels
from comptoir.modules.tracking.store import manifests as store
from comptoir.runtime.database import Reader, Tx
from comptoir.sdk.carriers import Manifest


async def made(
    tx: Tx, account_id: AccountId, location_id: LocationId | None, label_ids: Sequence[LabelId], answer: Manifest
) -> HandedManifest:
    """A carrier has made it: the labels are on it, and go on no other."""
    manifest = HandedManifest(
        id=ManifestId(uuid7()),
        account_id=account_id,
        location_id=location_id,
        label_ids=tuple(sorted(label_ids)),
        carrier_ref=answer.id,
        url=answer.url,
        tracking_numbers=answer.tracking_numbers,
        created_at=tx.now,
        created_by=tx.actor,
    )
    await store.insert(tx, manifest)
    if answer.content:
        await store.keep_document(tx, manifest.id, answer.content)
    for label_id in manifest.label_ids:
        await store_labels.put(tx, label_id, {"manifest_ref": answer.id})
    return manifest


async def get(reader: Reader, manifest_id: ManifestId) -> HandedManifest:
    """Raises UnknownManifest."""
    found = await store.get(reader, manifest_id)
    if found is None:
        raise UnknownManifest(kind="manifest", id=manifest_id)
    return found


async def since(reader: Reader, location_id: LocationId, at: datetime, limit: int = 50) -> list[HandedManifest]:
    """Of a location, the latest first."""
    return await store.since(reader, location_id, at, limit)


async def document(reader: Reader, manifest_id: ManifestId) -> bytes | None:
    """The paper, where we have it."""
    return await store.document(reader, manifest_id)


async def keep_document(tx: Tx, manifest_id: ManifestId, content: bytes) -> None:
    """The addresses of carriers stop working after some days."""
    await store.keep_document(tx, manifest_id, content)
