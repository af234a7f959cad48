import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from earthloom.errors import ShapeError
from earthloom.metrics.iou import count, score

K = 3
SHAPE = (7, 9)
labels = hnp.arrays(np.uint8, SHAPE, elements=st.integers(0, (1 << K) - 1))
predictions = hnp.arrays(np.uint8, SHAPE, elements=st.integers(1, K))


@given(labels, predictions)
@settings(max_examples=40)
def test_it_equals_a_slow_loop_over_pixels(sets: np.ndarray, ids: np.ndarray) -> None:
    scores = score(count(sets, ids, num_classes=K))
    for class_id in range(1, K + 1):
        hit = union = positive = judged = 0
        for allowed, predicted in zip(sets.ravel().tolist(), ids.ravel().tolist(), strict=True):
            names = {k for k in range(1, K + 1) if allowed >> (k - 1) & 1}
            if not names or (class_id in names and len(names) > 1):
                continue
            judged += 1
            positive += names == {class_id}
            hit += names == {class_id} and predicted == class_id
            union += names == {class_id} or predicted == class_id
        assert scores.iou[class_id - 1] == (hit / union if positive else None)
        assert (scores.n[class_id - 1], scores.positive[class_id - 1]) == (judged, positive)


def test_a_mask_with_itself_and_with_nothing() -> None:
    sets = np.array([[1, 1, 2, 4]], np.uint8)
    assert score(count(sets, np.array([[1, 1, 2, 3]]), num_classes=K)).iou == (1.0, 1.0, 1.0)
    nothing = score(count(sets, np.array([[2, 2, 3, 1]]), num_classes=K))
    assert nothing.iou == (0.0, 0.0, 0.0)
    assert nothing.accuracy == 0.0


def test_without_labels_there_are_no_figures() -> None:
    empty = score(count(np.zeros((4, 4), np.uint8), np.ones((4, 4), np.uint8), num_classes=K))
    assert (empty.iou, empty.accuracy, empty.mean_iou) == ((None,) * K, None, None)


def test_tables_of_parts_add_up_to_the_table_of_the_whole() -> None:
    rng = np.random.default_rng(0)
    sets, ids = rng.integers(0, 8, (20, 20), np.uint8), rng.integers(1, 4, (20, 20), np.uint8)
    parts = count(sets[:7], ids[:7], num_classes=K) + count(sets[7:], ids[7:], num_classes=K)
    assert np.array_equal(parts, count(sets, ids, num_classes=K))


@pytest.mark.parametrize(
    ("sets", "ids", "words"),
    [
        (np.ones((2, 2), np.uint8), np.ones((2, 3), np.uint8), "differ in shape"),
        (np.ones((1, 1), np.uint8), np.zeros((1, 1), np.uint8), r"1 to 3, got 0\.\.0"),
        (np.full((1, 1), 8, np.uint8), np.ones((1, 1), np.uint8), "below 8, got 8"),
    ],
)
def test_what_does_not_fit_is_refused(sets: np.ndarray, ids: np.ndarray, words: str) -> None:
    with pytest.raises(ShapeError, match=words):
        count(sets, ids, num_classes=K)
