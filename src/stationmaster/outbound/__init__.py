"""Everything that leaves the house.

Users choose where calls go, so each address is judged before anything is sent (`guard`): names are resolved once, every
address is classified, and the connection is made to the very address that was judged. Redirects are never followed,
proxies of the environment are ignored, and what comes back is cut to a size and a time (`http`). `signing` lets a
receiver know that a call is ours.
"""
