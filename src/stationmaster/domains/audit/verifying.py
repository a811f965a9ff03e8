"""Walking the chain from its beginning, to find the first thing that is not what was signed.

Where retention has removed the oldest seals, it begins at the checkpoint that was signed in their place.

Read in batches, each in a short transaction of its own; entries and seals never change, so that what is read later fits what
was read before. What was written since the last seal cannot be verified yet and is only counted.
"""

import hmac
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

from stationmaster.db.engine import Database
from stationmaster.db.session import read_only
from stationmaster.domains.audit import repository
from stationmaster.domains.audit.chain import NO_SEAL, SealKey, root_of
from stationmaster.domains.audit.repository import Row
from stationmaster.domains.audit.verdict import Break, Fault, Link, Verdict

SEALS_AT_ONCE = 500
ENTRIES_AT_ONCE = 1000


class _Broken(Exception):
    def __init__(self, place: Break) -> None:
        super().__init__(place)
        self.place = place


async def verify(database: Database, key: SealKey, anchor: Link | None = None) -> Verdict:
    """Verify the whole chain; with an `anchor`, also that it holds a seal which was seen before."""
    walk = _Walk(database, key, anchor)
    broken = None
    try:
        await walk.follow()
    except _Broken as found:
        broken = found.place
    async with read_only(database) as session:
        unsealed = await repository.count_unsealed(session)
    head = Link(walk.seals, walk.previous) if walk.seals else None
    begin = walk.begin
    return Verdict(
        walk.entries - begin.last_sequence, walk.seals - begin.number, begin.last_sequence, unsealed, head, broken
    )


@dataclass(frozen=True)
class _Begin:
    """The last seal that retention removed, and the last place in it."""

    number: int = 0
    last_sequence: int = 0


class _Walk:
    """The way along the chain: what has been verified so far."""

    def __init__(self, database: Database, key: SealKey, anchor: Link | None) -> None:
        self._database = database
        self._key = key
        self._anchor = anchor
        self._reader = _EntryReader(database)
        self.begin = _Begin()
        self.seals = 0
        self.entries = 0
        self.previous = NO_SEAL

    async def follow(self) -> None:
        await self._begin_at_checkpoint()
        while seals := await self._read_seals():
            for seal in seals:
                self._check_seal(seal)
                await self._check_entries(seal)
                self.seals, self.previous = seal.number, seal.digest_bytes.decode()
        if self._anchor and self._anchor.seal > self.seals:
            raise _Broken(Break("seal", Fault.MISSING, self.seals + 1))
        await self._look_beyond()

    async def _begin_at_checkpoint(self) -> None:
        async with read_only(self._database) as session:
            point = await repository.find_checkpoint(session)
        if point is None:
            return
        if not _is_same(point.digest_bytes, self._key.sign_checkpoint(point[3:])):
            is_foreign = point.key_id_bytes != self._key.id.encode()
            raise _Broken(Break("checkpoint", Fault.OTHER_KEY if is_foreign else Fault.CHANGED, point.number))
        self.begin = _Begin(point.number, point.last_sequence)
        self.seals, self.entries, self.previous = point.number, point.last_sequence, point.seal_digest_bytes.decode()
        self._reader.skip(point.last_sequence)
        self._check_removed_anchor()

    def _check_removed_anchor(self) -> None:
        """Compare an anchor that was removed: of its own number only the last one is still known."""
        anchor = self._anchor
        if anchor and anchor.seal < self.seals:
            raise _Broken(Break("seal", Fault.MISSING, anchor.seal))
        if anchor and anchor.seal == self.seals and not _is_same(self.previous.encode(), anchor.digest):
            raise _Broken(Break("seal", Fault.CHANGED, anchor.seal))

    async def _read_seals(self) -> Sequence[Row]:
        async with read_only(self._database) as session:
            return await repository.read_seals(session, after=self.seals, limit=SEALS_AT_ONCE)

    def _check_seal(self, seal: Row) -> None:
        number = self.seals + 1
        if seal.number != number:
            raise _Broken(Break("seal", Fault.MISSING, number))
        if not _is_same(seal.digest_bytes, self._key.sign_seal(seal[4:])):
            is_foreign = seal.key_id_bytes != self._key.id.encode()
            raise _Broken(Break("seal", Fault.OTHER_KEY if is_foreign else Fault.CHANGED, number))
        is_linked = seal.previous_bytes == self.previous.encode() and seal.first_sequence == self.entries + 1
        if not is_linked or not self._is_anchored(seal):
            raise _Broken(Break("seal", Fault.CHANGED, number))

    def _is_anchored(self, seal: Row) -> bool:
        anchor = self._anchor
        return anchor is None or anchor.seal != seal.number or _is_same(seal.digest_bytes, anchor.digest)

    async def _check_entries(self, seal: Row) -> None:
        digests = []
        for sequence in range(seal.first_sequence, seal.last_sequence + 1):
            digests.append(self._check_entry(await self._reader.next(), sequence, seal.number))
            self.entries += 1
        if seal.root_bytes != root_of(digests).encode():
            raise _Broken(Break("seal", Fault.CHANGED, seal.number))

    def _check_entry(self, entry: Row | None, sequence: int, seal: int) -> str:
        if entry is None or entry.sequence != sequence:
            raise _Broken(Break("entry", Fault.MISSING, seal, sequence))
        digest = self._key.sign_entry(sequence, entry[2:])
        if not _is_same(entry.digest_bytes, digest):
            raise _Broken(Break("entry", Fault.CHANGED, seal, sequence, _name(entry.id_bytes)))
        return digest

    async def _look_beyond(self) -> None:
        async with read_only(self._database) as session:
            found = await repository.find_uncovered(session, begin=self.begin.last_sequence)
        if found is not None:
            raise _Broken(Break("entry", Fault.UNCOVERED, None, found.sequence, _name(found.id_bytes)))


class _EntryReader:
    """Gives one sealed entry after the other, None while there is no further one."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._read: deque[Row] = deque()
        self._after = 0

    def skip(self, sequence: int) -> None:
        """Go on behind a place."""
        self._after = sequence

    async def next(self) -> Row | None:
        if not self._read:
            async with read_only(self._database) as session:
                self._read.extend(await repository.read_sealed(session, after=self._after, limit=ENTRIES_AT_ONCE))
        if not self._read:
            return None
        entry = self._read.popleft()
        self._after = entry.sequence
        return entry


def _is_same(stored: bytes | None, computed: str) -> bool:
    return hmac.compare_digest(stored or b"", computed.encode())


def _name(id_bytes: bytes) -> str:
    """Write a key as the API does, or as it stands there when it is no key any more."""
    text = id_bytes.decode("utf-8", "replace")
    try:
        return str(UUID(text))
    except ValueError:
        return text
