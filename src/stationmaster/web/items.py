"""Items of lists, of which the caller chooses the fields.

A room declares `class ThingItem(ThingOut, Item)`. Required fields are in every answer unless
`exclude` takes them out; fields with a default are in it only when `include` asks for them.
"""

from collections.abc import Collection
from typing import Any, TypeVar, cast

from pydantic import BaseModel, GetCoreSchemaHandler, GetJsonSchemaHandler, SerializerFunctionWrapHandler
from pydantic.json_schema import JsonSchemaValue
from pydantic_core import CoreSchema, core_schema

from stationmaster.web.schema import Output


def _only_set(item: "Item", write: SerializerFunctionWrapHandler) -> dict[str, Any]:
    written: dict[str, Any] = write(item)
    return {name: value for name, value in written.items() if name in item.model_fields_set}


class Item(Output):
    """Base of what stands in lists: fields that were not set are left out of the answer."""

    @classmethod
    def __get_pydantic_core_schema__(cls, source: type[BaseModel], handler: GetCoreSchemaHandler) -> CoreSchema:
        schema = super().__get_pydantic_core_schema__(source, handler)
        cast("dict[str, Any]", schema)["serialization"] = core_schema.wrap_serializer_function_ser_schema(_only_set)
        return schema

    @classmethod
    def __get_pydantic_json_schema__(cls, schema: CoreSchema, handler: GetJsonSchemaHandler) -> JsonSchemaValue:
        described = handler(schema)
        handler.resolve_ref_schema(described).pop("required", None)
        return described


ItemT = TypeVar("ItemT", bound=Item)


def make_item(model: type[ItemT], shown: Output, names: Collection[str], **more: Any) -> ItemT:
    """Make an item of what is shown of a thing and of `more` fields, with only these names set."""
    facts: dict[str, Any] = {**dict(shown), **more}
    # Constructed and not validated: the parts are valid already.
    return cast("ItemT", model.model_construct(_fields_set=set(names), **facts))


def base_fields(model: type[Item]) -> frozenset[str]:
    """Name the fields that are in an answer by themselves."""
    return frozenset(name for name, field in model.model_fields.items() if field.is_required())


def optional_fields(model: type[Item]) -> frozenset[str]:
    """Name the fields that `include` adds."""
    return frozenset(model.model_fields) - base_fields(model)
