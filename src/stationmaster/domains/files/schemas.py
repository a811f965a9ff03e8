"""Files as the API shows them."""

from uuid import UUID

from pydantic import Field

from stationmaster.web.schema import Instant, Output


class FileOut(Output):
    """An uploaded file, without its content."""

    id: UUID
    name: str = Field(description="What its uploader called it.", examples=["products.csv"])
    media_type: str = Field(description="As its uploader declared it.", examples=["text/csv"])
    size_bytes: int = Field(examples=[48_213])
    checksum: str = Field(
        validation_alias="digest",
        description="SHA-256 of the content, in hexadecimal digits.",
        examples=["9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08"],
    )
    owner_id: UUID
    created_at: Instant
