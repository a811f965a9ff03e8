"""What can be done: one model for each kind of target, told apart by `type`.

Targets are data; the executors that carry them out are found by `type` (`executions/kinds`). Their secret fields are of the
type `SecretText`, and that alone drives how they are stored (sealed), shown (masked) and handed to the executor (open); see
`secret_text`. Secrets of the house are named, never held, and looked up when an attempt begins.
"""

from typing import Annotated

from pydantic import Field

from stationmaster.domains.executions.targets.docker import DockerTarget
from stationmaster.domains.executions.targets.github import GithubTarget
from stationmaster.domains.executions.targets.process import ProcessTarget
from stationmaster.domains.executions.targets.script import ScriptTarget
from stationmaster.domains.executions.targets.webhook import WebhookTarget

Target = Annotated[
    WebhookTarget | GithubTarget | DockerTarget | ScriptTarget | ProcessTarget, Field(discriminator="type")
]
"""Any target."""
