"""A demonstration that works by itself: what a newcomer sees first.

It is the real service on an SQLite file, with three things beside it: a `receiver` on loopback that the `jobs` call, and a
`board` on the terminal that shows each execution as it ends. Nothing in the service knows of it; the only liberty is that
the receiver's address may be called although it is private.
"""
