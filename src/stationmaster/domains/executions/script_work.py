"""From the use of a script to what is started: its command, its files, and its values where it will find them."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import Any
from uuid import UUID

from stationmaster.domains.executions.artifact_models import Artifact
from stationmaster.domains.files.service import suffix_of
from stationmaster.domains.scripts.parameters.binding import Bound, bind
from stationmaster.domains.scripts.usage import OpenedSecrets, Use, file_values

INTERPRETERS = {".py": "python3", ".sh": "sh", ".pl": "perl", ".rb": "ruby", ".js": "node"}


@dataclass(frozen=True)
class ScriptWork:
    """What one attempt at a script takes. `names` are the file names under which it finds its inputs, by place in the
    values; `inputs` are their contents, by file name.
    """

    use: Use
    secrets: OpenedSecrets
    names: Mapping[str, str]
    inputs: Mapping[str, str]

    @classmethod
    def of(cls, use: Use, secrets: OpenedSecrets, artifacts: Mapping[str, Artifact]) -> "ScriptWork":
        """Name the input files: by the parameter, with the ending that the upload or artifact has."""
        names, inputs = {}, {}
        for place, _, value in file_values(use.manifest.parameters, use.values):
            content = use.files[UUID(value)] if isinstance(value, str) else artifacts[place]
            names[place] = f"{place.strip('/').replace('/', '-')}{suffix_of(content.name)}"
            inputs[names[place]] = content.digest
        return cls(use, secrets, names, inputs)

    @property
    def title(self) -> str:
        """Name the script and the version, for the log."""
        return f"{self.use.script.slug}, version {self.use.version.number}"

    def bound(self, input_folder: str) -> Bound:
        """Hand the values over to a run that will find its files in this folder."""
        values = self._with_paths(PurePosixPath(input_folder))
        return bind(self.use.manifest.parameters, values, self.secrets.given)

    def command(self, script_folder: str) -> tuple[str, ...]:
        """Return how the entry point is started where the script's files are in this folder."""
        words = self.use.manifest.entrypoint
        if len(words) > 1:
            return tuple(words)
        path = PurePosixPath(script_folder) / words[0]
        interpreter = INTERPRETERS.get(path.suffix)
        return (interpreter, str(path)) if interpreter else (str(path),)

    def _with_paths(self, folder: PurePosixPath) -> dict[str, Any]:
        values = dict(self.use.values)
        for place, _, _ in file_values(self.use.manifest.parameters, self.use.values):
            name, _, index = place.strip("/").partition("/")
            path = str(folder / self.names[place])
            values[name] = [*values[name][: int(index)], path, *values[name][int(index) + 1 :]] if index else path
        return values
