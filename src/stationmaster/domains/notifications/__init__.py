"""Telling people: one notice, every way that a person or the place wants.

`service.tell` is what other rooms call, in the transaction of what they tell about. It writes the inboxes at once (a row is
a notice told) and puts everything that must leave the house into the outbox, so a notice goes out if and only if its cause
was committed, and each way is tried until it works, without the others waiting.

    tell ──> in_app    rows of `notifications`, unique for each person by the dedupe key
        ├──> email     people by their preferences, and the addresses that a rule names
        ├──> slack     one message to the hook of the place, with the team's mention
        └──> webhook   one signed call to the address of the place

Who is told is the caller's to say: nobody hears of what they may not see. What of it a person wants by mail is theirs.
"""
