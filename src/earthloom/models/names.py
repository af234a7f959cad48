"""From what a user calls a model to the folder that holds its weights."""

import re
from pathlib import Path

from earthloom.errors import ModelError
from earthloom.models.registry import preset_names

SHIPPED = Path(__file__).parent.parent / "weights"
"""The weights that come with the package, a folder each."""

CONFIG_FILE = "config.json"
_HUB_ID = re.compile(r"[\w-][\w.-]*/[\w-][\w.-]*")


def shipped_names() -> list[str]:
    """Return the names of the weights that come with the package."""
    return sorted(folder.name for folder in SHIPPED.iterdir() if checkpoint_folders(folder)) if SHIPPED.is_dir() else []


def checkpoint_folders(folder: Path) -> dict[str, Path]:
    """Return the checkpoints of a model: `{"": folder}` if it is one, else its sub-folders that are, by name."""
    if (folder / CONFIG_FILE).is_file():
        return {"": folder}
    inner = sorted(folder.iterdir()) if folder.is_dir() else []
    return {child.name: child for child in inner if (child / CONFIG_FILE).is_file()}


def resolve(name: str) -> Path:
    """Return the folder of a model: shipped weights by name, a folder, or an `owner/name` id on the Hugging Face hub.

    A shipped name wins over a folder of the same name (say `./NAME` for the folder); a folder wins over the hub.

    Raises:
        ModelError: If there is nothing of that name, it is a preset, or the hub cannot be reached.
    """
    if name.split("/")[0] in shipped_names() and checkpoint_folders(SHIPPED / name):
        return SHIPPED / name
    folder = Path(name)
    if name and folder.is_dir():
        if not checkpoint_folders(folder):
            raise ModelError(f"{name} is no model: neither it nor a folder in it has a {CONFIG_FILE}")
        return folder
    if name in preset_names():
        raise ModelError(f"{name} is a preset without weights: train it, or name trained weights: {_known()}")
    if _HUB_ID.fullmatch(name):
        return _from_hub(name)
    raise ModelError(f"no model {name!r}: there are {_known()}, or give a folder or owner/name on the Hugging Face hub")


def resolve_one(name: str) -> Path:
    """Return the folder of a single network: a checkpoint, or the only one of a model.

    Raises:
        ModelError: As `resolve` does, or if the model has several.
    """
    folder = resolve(name)
    folders = checkpoint_folders(folder)
    if len(folders) > 1:
        where = Path(name) if folder in (SHIPPED / name, Path(name)) else folder
        each = ", ".join(str(where / part) for part in folders)
        raise ModelError(f"{name} holds several networks: name one of {each}")
    return next(iter(folders.values()))


def _known() -> str:
    return ", ".join(shipped_names()) or "no shipped weights"


def _from_hub(hub_id: str) -> Path:
    """Fetch a model's files into the hub's own cache; only names with an owner ever ask the network."""
    try:
        from huggingface_hub import snapshot_download
    except ImportError as error:
        raise ModelError(f"no folder {hub_id}; to fetch it from the hub: pip install 'earthloom[hub]'") from error
    try:
        folder = snapshot_download(hub_id, allow_patterns=["*config.json", "*model.safetensors", "*card.md"])
    except (OSError, ValueError) as error:
        reason = str(error).strip().splitlines()[0] if str(error).strip() else type(error).__name__
        raise ModelError(f"no folder {hub_id}, and the hub gave no model of that name (offline?): {reason}") from error
    if not checkpoint_folders(Path(folder)):
        raise ModelError(f"{hub_id} on the Hugging Face hub is no Earthloom model: it has no {CONFIG_FILE}")
    return Path(folder)
