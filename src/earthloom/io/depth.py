"""How many bits the values of a picture have."""

from PIL import Image


def is_deep(image: Image.Image) -> bool:
    """Say whether a picture, opened but not decoded, has more than 8 bits a value; of some Pillow keeps the upper 8."""
    return image.mode[0] in "IF" or any(";16" in str(tile) for tile in getattr(image, "tile", ()))
