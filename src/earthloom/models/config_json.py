"""Model configurations to JSON and back, strictly: a field too many, too few or of another type is refused."""

from collections.abc import Mapping
from dataclasses import asdict, fields, is_dataclass
from types import NoneType, UnionType
from typing import Any, Literal, TypeVar, Union, get_args, get_origin, get_type_hints

from earthloom.errors import ModelError

Config = TypeVar("Config")


def to_json(config: Any) -> dict[str, Any]:
    """Return a configuration as plain JSON values."""
    return asdict(config)


def from_json(kind: type[Config], values: object, *, where: str = "config") -> Config:
    """Return the configuration that `to_json` wrote.

    Args:
        kind: A dataclass of int, float, bool, str, Literal, `tuple[X, ...]`, dataclasses, or one of these or None.
        values: What JSON gave.
        where: How messages call it.

    Raises:
        ModelError: Naming the field that is unknown, missing, of another type, or whose value cannot be used.
    """
    if not isinstance(values, Mapping):
        raise ModelError(f"{where} is {values!r}, want an object with the fields of {kind.__name__}")
    names = [field.name for field in fields(kind)]  # type: ignore[arg-type]
    unknown, missing = sorted(set(values) - set(names)), [name for name in names if name not in values]
    if unknown or missing:
        raise ModelError(f"{where} does not fit {kind.__name__}: unknown fields {unknown}, missing fields {missing}")
    hints = get_type_hints(kind)
    known = {name: _value(hints[name], values[name], f"{where}.{name}") for name in names}
    try:
        return kind(**known)
    except ModelError as error:
        raise ModelError(f"{where}: {error}") from error


def _value(hint: Any, value: object, where: str) -> Any:
    origin, arguments = get_origin(hint), get_args(hint)
    if origin in (Union, UnionType) and NoneType in arguments:
        (inner,) = (argument for argument in arguments if argument is not NoneType)
        return None if value is None else _value(inner, value, where)
    if is_dataclass(hint):
        return from_json(hint, value, where=where)  # type: ignore[arg-type]
    if origin is tuple and isinstance(value, list | tuple):
        return tuple(_value(arguments[0], item, f"{where}[{index}]") for index, item in enumerate(value))
    if origin is Literal and value in arguments:
        return value
    if hint is float and type(value) is int:
        return float(value)
    if origin is None and type(value) is hint:
        return value
    wanted = " | ".join(map(repr, arguments)) if origin is Literal else getattr(hint, "__name__", str(hint))
    raise ModelError(f"{where} is {value!r}, want {wanted}")
