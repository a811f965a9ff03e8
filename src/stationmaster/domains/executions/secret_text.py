"""A text that is stored sealed, shown masked, and open only in the hands of an executor.

The same model serves all three, told apart by the context that pydantic hands through:

- `target.model_dump(mode="json")` masks every secret (a mask that is sent back in an update means "keep the one you have");
- `target.model_dump(mode="json", context=sealed_for(sealer, row))` seals them, for the database;
- `WebhookTarget.model_validate(stored, context=sealed_for(sealer, row))` opens them again.
"""

from typing import Annotated, Any

from pydantic import BeforeValidator, PlainSerializer, SecretStr, SerializationInfo, StringConstraints, ValidationInfo

from stationmaster.kit.masking import MASK
from stationmaster.kit.sealing import Sealer


def sealed_for(sealer: Sealer, row: object) -> dict[str, Any]:
    """Return the pydantic context by which secrets are stored in, and read from, one row."""
    return {"sealer": sealer, "row": str(row)}


def _open(value: Any, info: ValidationInfo) -> Any:
    if not info.context or not isinstance(value, str):
        return value
    return info.context["sealer"].open(value, row=info.context["row"])


def _close(value: SecretStr, info: SerializationInfo) -> str:
    if not info.context:
        return MASK
    sealed: str = info.context["sealer"].seal(value.get_secret_value(), row=info.context["row"])
    return sealed


SecretText = Annotated[
    SecretStr,
    StringConstraints(max_length=4000),
    BeforeValidator(_open),
    PlainSerializer(_close, return_type=str, when_used="json"),
]
