"""One optimisation step of each phase: class sets alone, then against the discriminator.

Spec series_gan section 4: L_G = L_adv + 10 L_FM + 10 L_VGG, beside the class-set cross-entropy that the warm
start began with. The discriminator sees the soft colours of the generator and the true colours of completely
labelled samples; pixels without a class are blanked in both.

Letters: B batch, C channels, K classes, H W pixels.
"""

from collections.abc import Callable
from dataclasses import dataclass

import torch
from accelerate import Accelerator
from torch import Tensor, nn

from earthloom.models.pix2pixhd.palette import soft_colours
from earthloom.nn.adversarial import discriminator_loss, feature_matching_loss, generator_loss
from earthloom.training.batches import Batch
from earthloom.training.config import TrainConfig
from earthloom.training.losses import class_set_jaccard, class_set_loss, is_complete, single
from earthloom.training.networks import Networks, learning_rate, set_learning_rate

Perceptual = Callable[[Tensor, Tensor], Tensor]
"""(generated, true), both `(B, 3, H, W)` in [-1, 1] -> scalar."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Objective:
    """Takes steps; holds no state of its own."""

    config: TrainConfig
    """The run."""

    networks: Networks
    """What learns."""

    accelerator: Accelerator
    """Runs backward on the device there is."""

    palette: tuple[tuple[int, int, int], ...]
    """Map colours in id order."""

    class_weights: tuple[float, ...]
    """Of a labelled pixel, in id order."""

    bf16: bool
    """Autocast to bfloat16."""

    perceptual: Perceptual | None
    """VGG19 term, if its weights were given."""

    def step(self, batch: Batch, step: int) -> dict[str, float]:
        """Learn from one batch; return the losses by name."""
        rate = learning_rate(self.config, step)
        losses = self._warm(batch, rate) if step < self.config.warm_steps else self._adversarial(batch, rate)
        self.networks.average.update_parameters(self.accelerator.unwrap_model(self.networks.generator))
        return {name: float(value.detach()) for name, value in losses.items()}

    def _warm(self, batch: Batch, rate: float) -> dict[str, Tensor]:
        loss = self._labels(self._generate(batch), batch)
        self._descend(loss, self.networks.warm, rate)
        return {"labels": loss}

    def _adversarial(self, batch: Batch, rate: float) -> dict[str, Tensor]:
        out_BCHW = self._generate(batch)
        losses: dict[str, Tensor] = {}
        if self.config.label_weight:
            losses["labels"] = self._labels(out_BCHW, batch)
        chosen_B = is_complete(batch.sets_BHW)
        judged = bool(chosen_B.any())
        if judged:
            fake_BCHW = self._colours(out_BCHW)[chosen_B]
            x_BCHW, real_BCHW = batch.x_BCHW[chosen_B], batch.map_BCHW[chosen_B]
            known_B1HW = single(batch.sets_BHW[chosen_B])[:, None]
            fake_BCHW, real_BCHW = fake_BCHW * known_B1HW, real_BCHW * known_B1HW
            losses["discriminator"] = self._judge(x_BCHW, real_BCHW, fake_BCHW, rate)
            losses |= self._against(x_BCHW, real_BCHW, fake_BCHW)
        weights = {"labels": self.config.label_weight, "features": self.config.feature_weight}
        weights |= {"vgg": self.config.vgg_weight, "adversarial": 1.0}
        terms = [weights[name] * value for name, value in losses.items() if name in weights]
        if terms:
            self._descend(torch.stack(terms).sum(), self.networks.adversarial, rate)
        return losses

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
        return out_BCHW if self.config.label_weight == 0 else soft_colours(out_BCHW, self.palette)

    def _judge(self, x_BCHW: Tensor, real_BCHW: Tensor, fake_BCHW: Tensor, rate: float) -> Tensor:
        with self._autocast():
            real = self.networks.discriminator(x_BCHW, real_BCHW)
            fake = self.networks.discriminator(x_BCHW, fake_BCHW.detach())
        loss = discriminator_loss(real, fake)
        self._descend(loss, self.networks.judge, rate)
        return loss

    def _against(self, x_BCHW: Tensor, real_BCHW: Tensor, fake_BCHW: Tensor) -> dict[str, Tensor]:
        judge: nn.Module = self.accelerator.unwrap_model(self.networks.discriminator)
        judge.requires_grad_(False)
        with self._autocast():
            with torch.no_grad():
                real = judge(x_BCHW, real_BCHW)
            fake = judge(x_BCHW, fake_BCHW)
        judge.requires_grad_(True)
        losses = {"adversarial": generator_loss(fake), "features": feature_matching_loss(real, fake)}
        if self.perceptual is not None:
            losses["vgg"] = self.perceptual(fake_BCHW, real_BCHW)
        return losses

    def _descend(self, loss: Tensor, optimizer: torch.optim.Optimizer, rate: float) -> None:
        set_learning_rate(optimizer, rate)
        optimizer.zero_grad(set_to_none=True)
        self.accelerator.backward(loss)
        optimizer.step()

    def _autocast(self) -> torch.autocast:
        return torch.autocast(self.accelerator.device.type, torch.bfloat16, enabled=self.bf16)
