"""The target `github`: a run of a GitHub Actions workflow."""

import re
from typing import Annotated, Any, Literal, Self

from pydantic import Field, StringConstraints, field_validator, model_validator

from stationmaster.domains.executions.targets.base import SecretName, TargetFields
from stationmaster.web.schema import JsonObject, ShortText, Text

MOST_INPUTS = 25
"""As many as a workflow can declare (GitHub Docs, "Workflow syntax", on.workflow_dispatch.inputs)."""
LONGEST_INPUTS = 65_535
"""Characters of all inputs together, from the same page."""
_OWNER = r"[A-Za-z0-9](?:[A-Za-z0-9-]{0,38})"
_REPO = r"[A-Za-z0-9._-]{1,100}"
_WORKFLOW = r"[A-Za-z0-9._-]{1,255}"
SHORT_FORM = re.compile(rf"^({_OWNER})/({_REPO})/({_WORKFLOW})$")
ADDRESS = re.compile(
    rf"^https://(?:github\.com|api\.github\.com/repos)/({_OWNER})/({_REPO})/actions/workflows/({_WORKFLOW})"
    r"(?:/dispatches)?/?(?:\?.*)?$"
)


class GithubTarget(TargetFields):
    """A run of a GitHub Actions workflow, dispatched and (with `follow`) watched to its end.

    `workflow` also takes `owner/repo/workflow` and the address of the workflow's page; then `owner` and `repo` are read
    from it.
    """

    type: Literal["github"]
    owner: Annotated[str, StringConstraints(pattern=rf"^{_OWNER}$")] = Field(
        description="Owner of the repository.", examples=["acme"]
    )
    repo: Annotated[str, StringConstraints(pattern=rf"^{_REPO}$")] = Field(
        description="Name of the repository.", examples=["reports"]
    )
    workflow: Annotated[str, StringConstraints(pattern=rf"^{_WORKFLOW}$")] = Field(
        description="File name (the ending may be left out) or number of the workflow.", examples=["nightly.yml"]
    )
    ref: ShortText = Field("main", description="Branch or tag that it runs on.")
    inputs: dict[ShortText, Text | bool | int | float] = Field(
        {}, max_length=MOST_INPUTS, description="Inputs that the workflow declares."
    )
    credential: SecretName | None = Field(
        None, description="Stored secret with a token that may dispatch it; the house's own token when empty."
    )
    follow: bool = Field(True, description="Watch the run to its end; else the accepted dispatch is the success.")

    @model_validator(mode="before")
    @classmethod
    def _read_short_form(cls, data: Any) -> Any:
        """Take `owner` and `repo` out of a workflow that names them."""
        if not isinstance(data, dict) or not isinstance(workflow := data.get("workflow"), str):
            return data
        found = SHORT_FORM.match(workflow.strip()) or ADDRESS.match(workflow.strip())
        if found is None:
            return data
        named = dict(zip(("owner", "repo", "workflow"), found.groups(), strict=True))
        for name in ("owner", "repo"):
            if data.get(name) not in {None, named[name]}:
                raise ValueError(f"{name} is given twice, and the two differ")
        return {**data, **named}

    @field_validator("repo")
    @classmethod
    def _refuse_dots(cls, repo: str) -> str:
        if repo in {".", ".."}:
            raise ValueError("is not the name of a repository")
        return repo

    @field_validator("inputs")
    @classmethod
    def _check_size(cls, inputs: dict[str, Any]) -> dict[str, Any]:
        if sum(len(name) + len(str(value)) for name, value in inputs.items()) > LONGEST_INPUTS:
            raise ValueError(f"all inputs together may have {LONGEST_INPUTS} characters")
        return inputs

    def for_trial(self) -> Self:
        """Return the dispatch alone: nobody waits for a run to end, and it is not cancelled because nobody did."""
        return self.model_copy(update={"follow": False})

    def with_params(self, params: JsonObject) -> Self:
        """Return the same dispatch with `params` laid over its inputs.

        Raises:
            ValueError: an input is not a text, number or truth value, or there are too many.
        """
        if not params:
            return self
        wrong = sorted(name for name, value in params.items() if not isinstance(value, str | bool | int | float))
        if wrong:
            raise ValueError(f"inputs of a workflow are texts, numbers and truth values; {', '.join(wrong)} is not")
        inputs = {**self.inputs, **params}
        if len(inputs) > MOST_INPUTS:
            raise ValueError(f"a workflow has at most {MOST_INPUTS} inputs")
        return self.model_copy(update={"inputs": self._check_size(inputs)})
