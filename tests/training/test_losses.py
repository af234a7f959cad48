import torch
from torch.nn import functional as F

from earthloom.training.maps.losses import class_set_jaccard, class_set_loss, is_complete, single


def _logits(*shape: int) -> torch.Tensor:
    return torch.randn(shape, generator=torch.Generator().manual_seed(0), dtype=torch.float64)


def test_full_labels_give_cross_entropy() -> None:
    logits = _logits(2, 5, 6, 7)
    ids = torch.randint(5, (2, 6, 7), generator=torch.Generator().manual_seed(1))
    loss = class_set_loss(logits, (1 << ids).to(torch.uint8))
    torch.testing.assert_close(loss, F.cross_entropy(logits.float(), ids))


def test_partial_labels_give_the_probability_of_the_set() -> None:
    logits = _logits(1, 3, 1, 1)
    chance = logits.float().softmax(1)[0, :, 0, 0]
    loss = class_set_loss(logits, torch.full((1, 1, 1), 0b101, dtype=torch.uint8))
    torch.testing.assert_close(loss, -(chance[0] + chance[2]).log())


def test_unknown_and_everything_teach_nothing() -> None:
    logits = _logits(1, 3, 2, 1).float().requires_grad_()
    class_set_loss(logits, torch.tensor([[[0], [0b111]]], dtype=torch.uint8)).backward()
    assert logits.grad is not None
    assert logits.grad.abs().max() < 1e-6
    assert class_set_loss(logits, torch.zeros((1, 2, 1), dtype=torch.uint8)) == 0


def test_weights_are_those_of_cross_entropy_for_full_labels() -> None:
    logits, weights = _logits(2, 3, 5, 5), [1.0, 2.5, 0.5]
    ids = torch.randint(3, (2, 5, 5), generator=torch.Generator().manual_seed(2))
    loss = class_set_loss(logits, (1 << ids).to(torch.uint8), weights)
    torch.testing.assert_close(loss, F.cross_entropy(logits.float(), ids, torch.tensor(weights)))


def test_sure_answers_have_the_jaccard_distance_of_counted_pixels() -> None:
    truth, guess = torch.tensor([[[0, 0, 0, 1, 1, 1]]]), torch.tensor([[[0, 0, 1, 1, 1, 0]]])
    logits = 100.0 * F.one_hot(guess, 3).permute(0, 3, 1, 2).float()
    loss = class_set_jaccard(logits, (1 << truth).to(torch.uint8))
    torch.testing.assert_close(loss, torch.tensor(1.0 - 2 / 4))  # both classes: 2 in common of 4; the third is absent


def test_jaccard_judges_a_class_only_where_its_label_says_yes_or_no() -> None:
    sets = torch.tensor([[[0b001, 0b110, 0b011, 0]]], dtype=torch.uint8)
    chance = torch.tensor([0.7, 0.2, 0.9, 0.9])
    logits = torch.stack([chance, 1 - chance, torch.zeros(4)])[None, :, None].log().clamp(min=-100)
    loss = class_set_jaccard(logits, sets)
    torch.testing.assert_close(loss, torch.tensor(1 - 0.7 / (1.0 + 0.2)))


def test_jaccard_of_nothing_known_is_nothing() -> None:
    logits = _logits(1, 3, 2, 2).float().requires_grad_()
    class_set_jaccard(logits, torch.tensor([[[0, 0b011], [0b111, 0]]], dtype=torch.uint8)).backward()
    assert logits.grad is not None
    assert not logits.grad.any()


def test_complete_samples_and_single_pixels() -> None:
    sets = torch.tensor([[[1, 2], [4, 16]], [[1, 3], [0, 4]]], dtype=torch.uint8)
    assert is_complete(sets).tolist() == [True, False]
    assert single(sets)[1].tolist() == [[True, False], [False, True]]
