"""How far a generator sees, in closed form from its layers."""

from collections.abc import Callable

from earthloom.models.pix2pixhd.config import Pix2PixHDConfig

Span = tuple[int, int]
"""First and last pixel, both included."""


def stride_px(config: Pix2PixHDConfig) -> int:
    """Return the total down-sampling factor; shifting the input by a multiple of it shifts the output exactly."""
    return 1 << config.num_halvings


def halo_px(config: Pix2PixHDConfig) -> int:
    """Return the receptive radius, rounded up to a multiple of the stride.

    With frozen normalisation statistics an output pixel does not change when input pixels further away do.
    Instance normalisation sees the whole window: there this is the radius of the convolutions alone.
    """
    stride = stride_px(config)
    return -(-radius_px(config) // stride) * stride


def radius_px(config: Pix2PixHDConfig) -> int:
    """Return the largest distance along a side at which an input pixel reaches an output pixel."""
    spans = [(at, _seen(config, (at, at))) for at in range(stride_px(config))]
    return max(max(at - first, last - at) for at, (first, last) in spans)


def _seen(config: Pix2PixHDConfig, span: Span) -> Span:
    """Return the input pixels that an output span depends on."""
    span = _through(_conv(7), span)
    if config.enhancer is None:
        return _coarse(config, span)
    half = _through(_conv(3), _doubling(span), times=2 * config.enhancer.num_blocks)
    front = _through(_conv(7), _halving(half))
    coarse = _halving(_coarse(config, half))
    return min(front[0], coarse[0]), max(front[1], coarse[1])


def _coarse(config: Pix2PixHDConfig, span: Span) -> Span:
    halvings = len(config.widths) - 1
    span = _through(_doubling, span, times=halvings)
    span = _through(_conv(3), span, times=2 * config.num_blocks)
    return _through(_conv(7), _through(_halving, span, times=halvings))


def _through(layer: Callable[[Span], Span], span: Span, times: int = 1) -> Span:
    for _ in range(times):
        span = layer(span)
    return span


def _conv(kernel: int) -> Callable[[Span], Span]:
    return lambda span: (span[0] - kernel // 2, span[1] + kernel // 2)


def _halving(span: Span) -> Span:
    """Pixel i of a stride-2 3x3 convolution or pooling reads 2i - 1 .. 2i + 1."""
    return 2 * span[0] - 1, 2 * span[1] + 1


def _doubling(span: Span) -> Span:
    """Pixel 2i of a stride-2 3x3 transposed convolution reads i, pixel 2i + 1 reads i and i + 1."""
    return span[0] // 2, -(-span[1] // 2)
