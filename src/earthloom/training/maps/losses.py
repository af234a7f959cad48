"""Losses on class sets: labels that may say less than a class.

With several processes the batch is that of all of them (`nn.processes.total`).

Letters: B batch, K classes, H W pixels.
"""

from collections.abc import Sequence

import torch
from torch import Tensor
from torch.nn import functional as F

from earthloom.nn.processes import total


def class_set_loss(logits_BKHW: Tensor, sets_BHW: Tensor, weights_K: Sequence[float] | None = None) -> Tensor:
    """Weighted mean over labelled pixels of -log(sum of softmax over the allowed classes).

    With one class allowed this is cross-entropy; with all or none allowed a pixel adds nothing.

    Args:
        logits_BKHW: Class scores.
        sets_BHW: uint8 class sets, bit k = class index k allowed; 0 = unknown, left out of the mean.
        weights_K: How much a pixel of each class counts, 1 if absent; one that allows several counts as the lightest.

    Returns:
        A scalar, 0 when nothing is labelled.
    """
    bits_K11 = torch.arange(logits_BKHW.shape[1], device=sets_BHW.device)[:, None, None]
    known_BHW = sets_BHW != 0
    allowed_BKHW = ((sets_BHW[:, None] >> bits_K11) & 1).bool() | ~known_BHW[:, None]
    logp_BKHW = F.log_softmax(logits_BKHW.float(), dim=1)
    loss_BHW = -torch.logsumexp(logp_BKHW.masked_fill(~allowed_BKHW, -torch.inf), dim=1)
    if weights_K is None:
        weight_BHW = known_BHW.float()
    else:
        lightest_K11 = torch.tensor(weights_K, device=sets_BHW.device)[:, None, None]
        weight_BHW = torch.where(allowed_BKHW, lightest_K11, torch.inf).amin(dim=1) * known_BHW
    weight = total(weight_BHW.sum()).clamp(min=torch.finfo(torch.float32).tiny)
    return total((loss_BHW * weight_BHW).sum()) / weight


def class_set_jaccard(logits_BKHW: Tensor, sets_BHW: Tensor) -> Tensor:
    """Soft Jaccard distance, 1 - intersection / union, averaged over the classes that the batch shows.

    A class is judged on the pixels that are known to be of it or known not to be; so a rare class weighs as much
    as a common one, and a label of one class alone still counts. Rahman and Wang, Optimizing Intersection-Over-Union
    in Deep Neural Networks for Image Segmentation, 2016, equation 3, over the batch.

    Args:
        logits_BKHW: Class scores.
        sets_BHW: uint8 class sets as in `class_set_loss`.

    Returns:
        A scalar in [0, 1], 0 when no pixel has a class of its own.
    """
    bits_K11 = torch.arange(logits_BKHW.shape[1], device=sets_BHW.device)[:, None, None]
    allowed_BKHW = ((sets_BHW[:, None] >> bits_K11) & 1).bool()
    own_BKHW = allowed_BKHW & single(sets_BHW)[:, None]
    judged_BKHW = (own_BKHW | ~allowed_BKHW) & (sets_BHW != 0)[:, None]
    probability_BKHW = logits_BKHW.float().softmax(dim=1) * judged_BKHW
    both_K, drawn_K, own_K = (
        total(pixels_BKHW.sum(dim=(0, 2, 3)))
        for pixels_BKHW in (probability_BKHW * own_BKHW, probability_BKHW, own_BKHW.float())
    )
    either_K = drawn_K + own_K - both_K
    shown_K = own_K > 0
    return ((1.0 - both_K / either_K.clamp(min=1.0)) * shown_K).sum() / shown_K.sum().clamp(min=1)


def is_complete(sets_BHW: Tensor, *, share: float = 0.98) -> Tensor:
    """Say which samples have exactly one class on at least this share of their pixels, `(B,)` bool."""
    return single(sets_BHW).float().mean(dim=(1, 2)) >= share


def single(sets_BHW: Tensor) -> Tensor:
    """Say which pixels have exactly one class, `(B, H, W)` bool."""
    return (sets_BHW != 0) & ((sets_BHW & (sets_BHW - 1)) == 0)
