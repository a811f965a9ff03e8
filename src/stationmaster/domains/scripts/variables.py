"""Which variables a script's environment may be given."""

import re

_VARIABLE = re.compile(r"[A-Za-z_][A-Za-z0-9_]{0,99}\Z")
_OURS = frozenset(
    {
        "EXECUTION_ID", "HOME", "INPUT_DIR", "LANG", "OUTPUT_DIR", "PARAMS", "PARAMS_FILE", "PATH", "PWD",
        "PYTHONUNBUFFERED", "RESULT_FILE", "SCRIPT_DIR", "STATE_FILE", "TMPDIR",
    }
)  # fmt: skip
_OUR_PREFIX = "STATIONMASTER_"
_LOADERS = ("LD_", "DYLD_", "PYTHON", "BASH_", "NODE_", "PERL", "RUBY", "GIT_", "GCONV_", "GLIBC_")
"""By these the value of a parameter would choose what code runs."""


def check_variable(name: str) -> None:
    """Refuse a name that is none, is one of ours, or by which code could be loaded.

    Raises:
        ValueError: says why.
    """
    if not _VARIABLE.match(name):
        raise ValueError(f"{name[:100]!r} is no name for a variable")
    if name in _OURS or name.startswith(_OUR_PREFIX):
        raise ValueError(f"the variable {name} is set by the service")
    if name.startswith(_LOADERS) or name in {"IFS", "ENV", "SHELLOPTS"}:
        raise ValueError(f"the variable {name} changes how programs are loaded, so no value may become it")
