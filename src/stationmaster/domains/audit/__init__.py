"""Who did what, and who was refused: written once, never changed, and provably so.

Writing. `dependencies.Audited` opens a slip (`slip`) for every request of the application. The transaction of the request
enters it right before it commits, so there is no change without its entry and no entry without its change. A service may say
more about it with `service.note(...)`: which object, what it was before and after. What needs no transaction (a test run) is
entered when it has been done; what is refused (401 for credentials that do not count, 403) in a transaction of its own.
A router has nothing to do for any of this. A POST that is only a question says `openapi_extra=UNAUDITED`.

Keeping. Triggers on both databases refuse to change, delete or truncate entries and seals (`audit_logs`, `audit_seals`). The
only change they allow: an entry gets its `sequence` and `digest` once, when it is sealed.

Proving. Writers never wait for each other: they insert rows that know nothing of one another. Every few seconds the leader
(`sealing`) takes what is not sealed yet, numbers it, signs each entry and the batch (HMAC-SHA256 under a key that is not in
the database) and chains the batch to the one before. Membership is a fact of each row and no range of time or ids, so an
entry that is committed late goes into the next batch and is never passed over. `verifying` walks the chain and names the
first entry or seal that is not what was signed.

Forgetting. Entries name people by id only; names are looked up when an entry is read. Values of personal columns and of
secrets are masked before they are written (`facts`). So erasing a person changes no entry and breaks no chain.
"""
