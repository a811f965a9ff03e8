"""Messages that must go out: written with the change they tell about, delivered later, once as far as anybody can.

`enqueue` stores a message in the caller's transaction under a unique `dedupe_key`: the message goes out if and only if
the change was committed, and asking for it twice makes one. A duty claims due messages for a while (a lease with a
random token), commits, talks to the outside, and writes the result where the token is still its own. If the replica dies
in between, the claim runs out and another one sends again: the receiver may get a message twice, with the same
`Message-ID`, but never not at all.

    queued ── claimed ──> sent
      ^          │
      └─ backoff ┴──────> failed    refused for good, or tried too often

Each channel has a courier, so an outage of one does not hold up another. A receiver's `Retry-After` is heeded, and a channel
whose receiver is busy rests as a whole. What was given up stays as a dead letter and can be sent again by hand.

Mails about accounts may hold links that open one: they are sealed at rest and erased once they were sent. Notices hold no
secret and keep their facts.
"""
