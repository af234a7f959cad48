"""One optimisation step of each phase: class sets alone, then against the discriminator.

Series GAN: L_G = L_adv + 10 L_FM + 10 L_VGG, beside the class-set cross-entropy that the warm
start began with. The discriminator sees the soft colours of the generator and the true colours of completely
labelled samples; pixels without a class are blanked in both. As published, both networks learn from one forward
pass: neither sees the other's update of the same step.

With several processes a step is that of one process with all their samples (`nn.processes`).

Letters: B batch, C channels, K classes, H W pixels.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from earthloom.cartography.style import STYLE
from earthloom.errors import UsageError
from earthloom.models.pix2pixhd.palette import soft_colours
from earthloom.nn.adversarial import Scales, discriminator_loss, feature_matching_loss, generator_loss
from earthloom.nn.processes import total
from earthloom.nn.vgg import load_vgg19, perceptual_loss
from earthloom.training.maps.batch import Batch
from earthloom.training.maps.config import MapsConfig
from earthloom.training.maps.losses import class_set_jaccard, class_set_loss, is_complete, single
from earthloom.training.maps.networks import Networks, preset
from earthloom.training.optimisers import begin_step, descend, mean_losses

Perceptual = Callable[[Tensor, Tensor], Tensor]
"""(generated, true), both `(B, 3, H, W)` in [-1, 1] -> scalar."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Objective:
    """Takes steps; holds no state of its own."""

    config: MapsConfig
    """The run."""

    networks: Networks
    """What learns."""

    palette: tuple[tuple[int, int, int], ...]
    """Map colours in id order."""

    class_weights: tuple[float, ...]
    """Of a labelled pixel, in id order."""

    device: torch.device
    """Where all this happens."""

    bf16: bool
    """Autocast to bfloat16."""

    perceptual: Perceptual | None
    """VGG19 term, if its weights were given."""

    def step(self, batches: Sequence[Batch], step: int) -> dict[str, float]:
        """Learn from the batches of one step; return the means of the weighted losses by name."""
        nets, warm = self.networks, step < self.config.warm_steps
        optimizers = (nets.warm,) if warm else (nets.adversarial, nets.judge)
        for optimizer in optimizers:
            begin_step(optimizer, self.config.learning_rate(step))
        learn = self._warm if warm else self._adversarial
        found = [learn(batch) for batch in batches]
        for optimizer in optimizers:
            descend(optimizer, self.config.clip_norm)
        nets.average.update_parameters(nets.generator)
        return mean_losses(found)

    def _warm(self, batch: Batch) -> dict[str, float]:
        return self._learn(labels=self._labels(self._generate(batch), batch))

    def _adversarial(self, batch: Batch) -> dict[str, float]:
        out_BCHW = self._generate(batch)
        weight = self.config.label_weight
        labels = {"labels": weight * self._labels(out_BCHW, batch)} if weight else {}
        chosen_B = is_complete(batch.sets_BHW)
        all_chosen = total(chosen_B.sum())
        if not all_chosen:
            return self._learn(**labels)
        share = chosen_B.sum() / all_chosen
        if not chosen_B.any():
            chosen_B[0] = True  # with share 0: the discriminators of all processes take part in every step
        known_B1HW = single(batch.sets_BHW[chosen_B])[:, None]
        x_BCHW, real_BCHW = batch.x_BCHW[chosen_B], batch.map_BCHW[chosen_B] * known_B1HW
        fake_BCHW = self._colours(out_BCHW)[chosen_B] * known_B1HW
        with self._autocast():
            real = self.networks.discriminator(x_BCHW, real_BCHW)
            fake = self.networks.discriminator(x_BCHW, fake_BCHW.detach())
        judged = self._learn(discriminator=total(share * discriminator_loss(real, fake)))
        against = self._against(x_BCHW, real, fake_BCHW)
        if self.perceptual is not None:
            against["vgg"] = self.config.vgg_weight * self.perceptual(fake_BCHW, real_BCHW)
        return judged | self._learn(**labels, **{name: total(share * value) for name, value in against.items()})

    def _against(self, x_BCHW: Tensor, real: Scales, fake_BCHW: Tensor) -> dict[str, Tensor]:
        judge = self.networks.discriminator.requires_grad_(False)
        with self._autocast():
            fake = judge(x_BCHW, fake_BCHW)
        judge.requires_grad_(True)
        features = self.config.feature_weight * feature_matching_loss(real, fake)
        return {"adversarial": generator_loss(fake), "features": features}

    def _learn(self, **losses: Tensor) -> dict[str, float]:
        """Add the gradients of the sum of weighted losses; return them as numbers."""
        if losses:
            (torch.stack(list(losses.values())).sum() / self.config.accumulate).backward()  # type: ignore[no-untyped-call]
        return {name: float(value.detach()) for name, value in losses.items()}

    def _labels(self, out_BCHW: Tensor, batch: Batch) -> Tensor:
        loss = class_set_loss(out_BCHW, batch.sets_BHW, self.class_weights)
        if self.config.jaccard_weight:
            loss = loss + self.config.jaccard_weight * class_set_jaccard(out_BCHW, batch.sets_BHW)
        return loss

    def _generate(self, batch: Batch) -> Tensor:
        x_BCHW = batch.x_BCHW.contiguous(memory_format=torch.channels_last)
        with self._autocast():
            out_BCHW: Tensor = self.networks.generator.train()(x_BCHW)
        return out_BCHW.float()

    def _colours(self, out_BCHW: Tensor) -> Tensor:
        """An RGB head paints colours already; a palette head has a class score each."""
        return out_BCHW if preset(self.config).head == "rgb" else soft_colours(out_BCHW, self.palette)

    def _autocast(self) -> torch.autocast:
        return torch.autocast(self.device.type, torch.bfloat16, enabled=self.bf16)


def class_weights(config: MapsConfig) -> tuple[float, ...]:
    """Return the weight of a labelled pixel of each class, in id order.

    Raises:
        UsageError: If the configuration names a class that the style lacks.
    """
    given = dict(config.class_weights)
    unknown = given.keys() - set(STYLE.names)
    if unknown:
        raise UsageError(f"class_weights names {sorted(unknown)[0]!r}; the classes are {', '.join(STYLE.names)}")
    return tuple(given.get(name, 1.0) for name in STYLE.names)


def perceptual_term(path: Path | None, device: torch.device) -> Perceptual | None:
    """Return the VGG19 term, if there are weights for it."""
    if path is None:
        return None
    vgg19: Any = load_vgg19(path).to(device)
    return lambda fake_BCHW, real_BCHW: perceptual_loss(vgg19, fake_BCHW, real_BCHW)
