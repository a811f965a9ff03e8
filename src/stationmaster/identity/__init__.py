"""Who is calling, in words only.

This room declares the actor, the roles, the scopes and the dependencies that routers use; `domains.auth` implements the
`Authenticator` that fills them. So every router can say who may call without importing how anybody proves who they are.
"""
