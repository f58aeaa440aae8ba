"""AsyncAPI 3.0 description of the event bus, generated from the registry."""

from typing import Any

from contracts.base import EventModel, registry

EXCHANGE = "zhuxue.events"


def schema(model: type[EventModel]) -> dict[str, Any]:
    """Return the JSON Schema of an event's `data`, as stored in `tests/contracts/`."""
    return model.model_json_schema(mode="serialization")


def document() -> dict[str, Any]:
    """Return the AsyncAPI document: one channel, one message and one send operation per event type."""
    channels: dict[str, Any] = {}
    operations: dict[str, Any] = {}
    messages: dict[str, Any] = {}
    schemas: dict[str, Any] = {}
    for model in registry.all():
        key = model.type
        messages[key] = {
            "name": key,
            "contentType": "application/cloudevents+json",
            "summary": (model.__doc__ or "").strip().splitlines()[0],
            "payload": _payload(model, schemas),
        }
        channels[key] = {
            "address": key,
            "messages": {key: {"$ref": f"#/components/messages/{key}"}},
            "bindings": {"amqp": {"is": "routingKey", "exchange": {"name": EXCHANGE, "type": "topic"}}},
        }
        operations[f"send.{key}"] = {"action": "send", "channel": {"$ref": f"#/channels/{key}"}}
    return {
        "asyncapi": "3.0.0",
        "info": {
            "title": "Zhuxue event bus",
            "version": "1",
            "description": "CloudEvents 1.0 in structured JSON mode; `payload` describes the `data` member.",
        },
        "channels": channels,
        "operations": operations,
        "components": {"messages": messages, "schemas": schemas},
    }


def _payload(model: type[EventModel], schemas: dict[str, Any]) -> dict[str, Any]:
    """Return the schema of an event; its definitions are added to `schemas`, which all events share."""
    payload = model.model_json_schema(mode="serialization", ref_template="#/components/schemas/{model}")
    schemas.update(payload.pop("$defs", {}))
    return payload
