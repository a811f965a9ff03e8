"""Proving who calls: passwords, sessions, tokens.

A login opens a *session*. It is carried by two tokens: a short *access token* (a signed JWT that names the session)
sent with each call, and an opaque *refresh token* that is exchanged for the next pair.

Invariants:
- An access token counts only while its session does. Each replica looks the session up anew every 5 s at the
  latest, and at once when told (`Wake.IDENTITY`); so logout, revocation, a new role, deactivation and a new
  password have effect everywhere within 5 s (`authenticator.py`).
- A session counts while it has not ended, is younger than `tokens.refresh_absolute`, and began with the `version`
  that its account has now.
- Each refresh token is exchanged once. A second use within 10 s is taken for a lost answer as long as nobody used
  the answer: that successor is voided and another given. Any other second use means that two parties hold the
  token: the session ends (`refreshing.py`; RFC 9700 section 4.14.2).
- Failed logins are counted by account, or by the name tried when there is no such account, so that both look the
  same. After a few, tries are refused for a time that doubles up to a limit; there is no lock that does not open by
  itself (`lockout.py`).
"""
