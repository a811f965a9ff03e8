"""How often each caller may call: the dependency that counts every call of the API, and what superadmins see of it.

Known callers are counted by user or API key, strangers by address (IPv6: the /64). Logins, registrations and recoveries are
always counted by address, whoever calls. Admins and superadmins are exempt from the rest. The counting itself, and what
happens while its storage is away, is `web.throttle`; which operations belong together is `web.limits`.
"""
