"""How many bits the values of a picture have."""

from PIL import Image

_BITS_PER_SAMPLE = 258
"""The tag of TIFF."""


def is_deep(image: Image.Image) -> bool:
    """Say whether a picture, opened but not decoded, has more than 8 bits a value; of some Pillow keeps the upper 8."""
    bits = getattr(image, "tag_v2", {}).get(_BITS_PER_SAMPLE, ())
    return (
        image.mode[0] in "IF"
        or max(bits, default=8) > 8
        or any(";16" in str(tile) for tile in getattr(image, "tile", ()))
    )
