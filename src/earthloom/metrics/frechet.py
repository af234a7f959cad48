"""The Frechet distance of two sets of pictures by their features. Letters: N pictures, D features."""

import numpy as np
from numpy.typing import NDArray

from earthloom.errors import DataError
from earthloom.metrics.features import check_features


def frechet(real_ND: NDArray[np.float64], made_ND: NDArray[np.float64]) -> float:
    """Measure the Frechet distance of two Gaussians fitted to features (Heusel et al. 2017; MetaEarth eq 27).

    `Tr (S_r S_g)^{1/2}` is the sum of the singular values of `S_r^{1/2} S_g^{1/2}`: real, and exact where a covariance
    is singular. The distance is biased upward, by less the more pictures there are: compare equal N only, and see KID.

    Args:
        real_ND: Features of real pictures.
        made_ND: Features of made ones; their number may differ.

    Returns:
        `|mu_r - mu_g|^2 + Tr(S_r + S_g - 2 (S_r S_g)^{1/2})`, 0 for equal sets.

    Raises:
        ShapeError: If the features do not fit each other.
        DataError: If either set is smaller than 2 D, or a value is not finite.
    """
    check_features(real_ND, made_ND)
    dimension, fewest = real_ND.shape[1], min(len(real_ND), len(made_ND))
    if fewest < 2 * dimension:
        raise DataError(
            f"a Frechet distance on {dimension} features wants at least {2 * dimension} pictures a side, "
            f"got {fewest}: make more, or use KID"
        )
    shift_D = real_ND.mean(axis=0) - made_ND.mean(axis=0)
    real_DD, made_DD = _covariance(real_ND), _covariance(made_ND)
    overlap = np.linalg.norm(_root(real_DD) @ _root(made_DD), ord="nuc")
    return float(shift_D @ shift_D + np.trace(real_DD) + np.trace(made_DD) - 2 * overlap)


def _covariance(set_ND: NDArray[np.float64]) -> NDArray[np.float64]:
    apart_ND = set_ND - set_ND.mean(axis=0)
    return np.asarray(apart_ND.T @ apart_ND / (len(set_ND) - 1), np.float64)


def _root(symmetric_DD: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the symmetric square root; rounding may have left eigenvalues a little below 0."""
    values_D, vectors_DD = np.linalg.eigh(symmetric_DD)
    return np.asarray(vectors_DD * np.sqrt(values_D.clip(min=0)) @ vectors_DD.T, np.float64)
