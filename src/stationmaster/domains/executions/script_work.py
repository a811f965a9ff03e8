"""From the use of a script to what is started: its command, its files, and its values where it will find them."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import Any
from uuid import UUID

from stationmaster.domains.files.service import suffix_of
from stationmaster.domains.scripts.parameters.binding import Bound, bind
from stationmaster.domains.scripts.usage import OpenedSecrets, Use, file_ids

INTERPRETERS = {".py": "python3", ".sh": "sh", ".pl": "perl", ".rb": "ruby", ".js": "node"}


@dataclass(frozen=True)
class ScriptWork:
    """What one attempt at a script takes. `inputs` are the contents of the files that it finds, by file name."""

    use: Use
    secrets: OpenedSecrets
    inputs: Mapping[str, UUID]

    @classmethod
    def of(cls, use: Use, secrets: OpenedSecrets) -> "ScriptWork":
        """Name the input files: by the parameter, with the ending that the upload had."""
        names = {
            f"{place.strip('/').replace('/', '-')}{suffix_of(use.files[id_])}": id_
            for place, _, id_ in file_ids(use.manifest.parameters, use.values)
        }
        return cls(use, secrets, names)

    @property
    def title(self) -> str:
        """Name the script and the version, for the log."""
        return f"{self.use.script.slug}, version {self.use.version.number}"

    def digest_of(self, input_name: str) -> str:
        """Return where the content of an input is."""
        return self.use.files[self.inputs[input_name]].digest

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
        paths = {place: folder / name for place, name in self._places().items()}
        for name, found in self.use.manifest.parameters.properties.items():
            if f"/{name}" in paths:
                values[name] = str(paths[f"/{name}"])
            elif found.items is not None and found.items.format == "file" and name in values:
                values[name] = [str(paths[f"/{name}/{index}"]) for index in range(len(values[name]))]
        return values

    def _places(self) -> dict[str, str]:
        every = file_ids(self.use.manifest.parameters, self.use.values)
        return {place: name for (place, _, _), name in zip(every, self.inputs, strict=True)}
