"""Reading archives of scripts that may be hostile.

An archive is walked member by member, never extracted as a whole, and nothing in it decides where anything is written:

- `names` which names a member may have: plain, relative, ASCII, none twice, also not in another case;
- `members` what a walk gives, and how much it may give: count, size of each and of all, how much it may grow;
- `tar` and `zipped` the two formats. Only plain files and folders pass; links, devices and everything special is refused;
- `reading` which format it is, and the one way in.
"""
