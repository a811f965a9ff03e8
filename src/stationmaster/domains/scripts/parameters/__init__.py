"""The parameters of a script: what they may be, whether given values are that, and how they reach the script.

- `schema` reads the JSON Schema of a manifest; what we do not understand is refused, not ignored.
- `checking` holds values against it, the same way wherever a script is used; names each wrong one by a pointer.
- `binding` turns good values into arguments, flags and variables. There is no shell anywhere: a value is one argument.
"""
