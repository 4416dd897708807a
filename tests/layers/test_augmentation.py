"""Layers that change images in training, against what real Keras gives where nothing is left to chance but a sign."""

from __future__ import annotations

import numpy as np
import pytest

import amalthea
from amalthea import layers, ops, tree, utils
from amalthea.errors import AmaltheaError
from tests.oracles.build import construct
from tests.oracles.read import held
from tests.thinned import thinned

RECORDS = held("augmentation")
CLOSE = {"rtol": 1e-4, "atol": 2e-3}  # of values up to 255


def differs(found, wanted):
    """The keys of data that are not the same."""
    wrong = []
    for key, value in wanted.items():
        if isinstance(value, dict):
            wrong += [f"{key}.{name}" for name in differs(found[key], value)]
        else:
            got = np.asarray(ops.convert_to_numpy(found[key]))
            if got.shape != value.shape or not np.allclose(got, value, **CLOSE):
                wrong.append(key)
    return wrong


@pytest.mark.parametrize("record", thinned(RECORDS, 5), ids=lambda r: r["id"])
def test_each_outcome_is_one_of_keras(record):
    outcomes = record["outcomes"]
    for seed in range(2 * len(outcomes) - 1):
        options = {"seed": seed} if len(outcomes) > 1 else {}
        layer = construct(amalthea, "layers", record["class_name"], {**record["config"], **options})
        found = layer(tree.map_structure(np.array, record["data"]), training=True)
        assert any(not differs(found, wanted) for wanted in outcomes), [differs(found, w) for w in outcomes]
        assert ops.dtype(found["images"]) == outcomes[0]["images"].dtype


# ------------------------------------------------------------------------------------------------ properties

# name -> arguments; those that need none change images by their defaults
LAYERS = {
    "AugMix": {"num_chains": 2, "chain_depth": 2},
    "CutMix": {},
    "MixUp": {"alpha": 1.0},
    "RandAugment": {},
    "RandomBrightness": {"factor": 0.3},
    "RandomColorDegeneration": {"factor": 0.8},
    "RandomColorJitter": {
        "brightness_factor": 0.2,
        "contrast_factor": 0.5,
        "saturation_factor": 0.9,
        "hue_factor": 0.5,
    },
    "RandomContrast": {"factor": 0.9},
    "RandomCrop": {"height": 5, "width": 4},
    "RandomElasticTransform": {"factor": (1.0, 1.0)},
    "RandomErasing": {"factor": (1.0, 1.0), "fill_value": 7.0},
    "RandomFlip": {},
    "RandomGaussianBlur": {"factor": (1.0, 1.0)},
    "RandomGrayscale": {},
    "RandomHue": {"factor": 1.0},
    "RandomInvert": {"factor": (0.5, 0.5)},
    "RandomPerspective": {"factor": (1.0, 1.0)},
    "RandomPosterization": {"factor": 5},
    "RandomRotation": {"factor": 0.5},
    "RandomSaturation": {"factor": 1.0},
    "RandomSharpness": {"factor": 1.0},
    "RandomShear": {"x_factor": 0.5, "y_factor": 0.3},
    "RandomTranslation": {"height_factor": 0.4, "width_factor": 0.4},
    "RandomZoom": {"height_factor": 0.4},
    "Solarization": {"addition_factor": 0.3, "threshold_factor": 0.9},
}
KEEP = {"RandomBrightness", "RandomGrayscale"}  # whole numbers stay whole
CHANGES_SIZE = {"RandomCrop"}
NO_BOXES = {"CutMix", "RandomElasticTransform"}
every_layer = pytest.mark.parametrize("name", thinned(list(LAYERS), 6, 3))


def made(name, **options):
    return getattr(layers, name)(**LAYERS[name], **{"seed": 3, **options})


def images(*shape, dtype="float32"):
    return np.random.RandomState(1).randint(0, 256, shape or (4, 8, 6, 3)).astype(dtype)


@every_layer
@pytest.mark.parametrize("dtype", ["float32", "uint8"])
def test_images_change_in_training_alone_and_stay_in_their_range(name, dtype):
    x, layer = images(dtype=dtype), made(name)
    out = ops.convert_to_numpy(layer(x))
    assert str(out.dtype) == ("uint8" if dtype == "uint8" and name in KEEP else "float32")
    assert np.isfinite(out).all() and out.min() >= -1e-3 and out.max() <= 255 + 1e-3
    if name not in CHANGES_SIZE:
        assert out.shape == x.shape and not np.array_equal(out, x)
        np.testing.assert_array_equal(ops.convert_to_numpy(layer(x, training=False)), x)


@every_layer
def test_a_seed_gives_the_same_images_in_each_new_layer(name):
    one, other = made(name), made(name)
    draws = [ops.convert_to_numpy(one(images())) for _ in range(3)]
    for first in draws:
        np.testing.assert_array_equal(ops.convert_to_numpy(other(images())), first)
    assert not np.allclose(draws[0], draws[1]) or not np.allclose(draws[0], draws[2])


@every_layer
def test_channels_first_and_one_image_are_the_same_up_to_axes(name):
    x = images()
    last = ops.convert_to_numpy(made(name)(x))
    first = ops.convert_to_numpy(made(name, data_format="channels_first")(x.transpose(0, 3, 1, 2)))
    np.testing.assert_allclose(first.transpose(0, 2, 3, 1), last, atol=1e-2)
    single, batch = (ops.convert_to_numpy(made(name)(value)) for value in (x[0], x[:1]))
    np.testing.assert_allclose(single, batch[0], atol=1e-3)


@every_layer
def test_a_batch_of_unknown_size_and_an_empty_one_pass(name):
    layer, shape = made(name), images().shape[1:]
    symbol = amalthea.Input(shape)
    out = layer(symbol)
    assert out.shape[0] is None
    assert amalthea.Model(symbol, out).predict(images(), verbose=0).shape[0] == 4
    assert tuple(layer(np.zeros((0, *shape), "float32")).shape)[0] == 0


@every_layer
def test_a_configuration_makes_the_layer_again(name):
    layer = made(name, bounding_box_format="xywh")
    again = type(layer).from_config(layer.get_config())
    assert again.get_config() == layer.get_config() and again.bounding_box_format == "xywh"
    np.testing.assert_array_equal(ops.convert_to_numpy(again(images())), ops.convert_to_numpy(layer(images())))


@every_layer
def test_half_precision_gives_half_precision(name):
    out = made(name, dtype="mixed_float16")(images())
    assert ops.dtype(out) == "float16" and np.isfinite(ops.convert_to_numpy(out)).all()


# ------------------------------------------------------------------------------------------------ boxes, masks, labels

MOVING = {
    "CenterCrop": [{"height": 16, "width": 15}, {"height": 30, "width": 40}],
    "RandomCrop": [{"height": 16, "width": 15, "seed": 1}, {"height": 40, "width": 30}],
    "RandomFlip": [{"seed": seed} for seed in range(3)],
    "RandomPerspective": [{"factor": (1.0, 1.0), "scale": 0.4, "seed": seed} for seed in range(3)],
    "RandomRotation": [{"factor": (0.25, 0.25)}, {"factor": (0.07, 0.07)}],
    "RandomShear": [{"x_factor": (0.3, 0.3), "y_factor": (0.2, 0.2), "seed": seed} for seed in range(3)],
    "RandomTranslation": [{"height_factor": (0.1, 0.1), "width_factor": (-0.2, -0.2)}],
    "RandomZoom": [{"height_factor": (0.5, 0.5)}, {"height_factor": (-0.2, -0.2), "width_factor": (0.1, 0.1)}],
    "RandAugment": [{"factor": 0.2, "seed": seed} for seed in range(4)],
    "Resizing": [
        {"height": 36, "width": 14},
        {"height": 20, "width": 20, "crop_to_aspect_ratio": True},
        {"height": 20, "width": 30, "pad_to_aspect_ratio": True},
    ],
}
RECTANGLES = [((9, 8, 17, 14), (12, 4, 15, 20)), ((10, 5, 14, 19), (8, 9, 20, 12))]  # left, top, right, bottom
MOVES = [(name, config) for name, configs in MOVING.items() for config in configs]


def marked():
    """Masks with a rectangle in each, and a box for it; two images, 24 rows by 28 columns."""
    masks, boxes = np.zeros((2, 2, 24, 28, 1), "int32"), np.zeros((2, 2, 4), "float32")
    for i, pair in enumerate(RECTANGLES):
        for j, (left, top, right, bottom) in enumerate(pair):
            masks[j, i, top:bottom, left:right] = 1
            boxes[i, j] = left, top, right, bottom
    return masks, {"boxes": boxes, "labels": np.array([[4, 5], [6, 7]])}


@pytest.mark.parametrize(
    "move", thinned(MOVES, 5), ids=lambda move: f"{move[0]}-{'-'.join(map(str, move[1].values()))}"
)
@pytest.mark.parametrize("form", ["xyxy", "rel_center_yxhw"])
def test_boxes_bound_the_pixels_that_they_bounded_before(move, form):
    name, config = move
    masks, boxes = marked()
    size = {"height": 24, "width": 28}
    given = utils.bounding_boxes.convert_format(boxes, "xyxy", form, **size)
    fill = (
        {}
        if name in ("CenterCrop", "RandAugment", "RandomCrop", "RandomFlip", "RandomPerspective", "Resizing")
        else {"fill_mode": "constant"}
    )
    for number in range(2):  # the first rectangle of each image, then the second
        layer = getattr(layers, name)(**config, **fill, bounding_box_format=form)
        x = np.repeat(masks[number], 3, axis=-1).astype("float32") * 255
        found = layer({"images": x, "segmentation_masks": masks[number], "bounding_boxes": given})
        new = ops.convert_to_numpy(found["segmentation_masks"])[..., 0]
        assert new.dtype == np.int32
        height, width = new.shape[1:]
        moved = utils.bounding_boxes.convert_format(found["bounding_boxes"], form, "xyxy", height=height, width=width)
        for image in range(2):
            rows, columns = np.nonzero(new[image])
            left, top, right, bottom = ops.convert_to_numpy(moved["boxes"])[image, number]
            label = int(ops.convert_to_numpy(found["bounding_boxes"]["labels"])[image, number])
            assert label == [[4, 5], [6, 7]][image][number]
            slack = 1.01 if name == "RandAugment" else 0.51  # a pixel is where its centre is; it may move twice
            assert left - slack <= columns.min() and columns.max() + 1 <= right + slack
            assert top - slack <= rows.min() and rows.max() + 1 <= bottom + slack
            if name in ("CenterCrop", "RandomCrop", "RandomFlip", "Resizing", "RandomTranslation", "RandomZoom"):
                edges = [columns.min(), rows.min(), columns.max() + 1, rows.max() + 1]
                np.testing.assert_allclose(edges, [left, top, right, bottom], atol=1.01)


def test_boxes_that_leave_the_image_lose_their_label():
    layer = layers.RandomTranslation((0.0, 0.0), (0.9, 0.9), bounding_box_format="xyxy")
    _, boxes = marked()
    found = layer({"images": images(2, 24, 28, 3), "bounding_boxes": boxes})["bounding_boxes"]
    assert ops.convert_to_numpy(found["labels"]).tolist() == [[-1, -1], [-1, -1]]
    assert ops.convert_to_numpy(found["boxes"]).max() <= 28


@pytest.mark.parametrize("name", ["MixUp", "CutMix"])
def test_labels_are_mixed_as_images_are(name):
    x = np.zeros((5, 40, 40, 5), "float32")
    for i in range(5):
        x[i, ..., i] = 255.0  # the mean of a channel is the share of an image
    layer = getattr(layers, name)(**LAYERS[name], seed=1)
    found = layer({"images": x, "labels": np.eye(5, dtype="float32"), "segmentation_masks": x[..., :1]})
    shares = ops.convert_to_numpy(found["images"]).mean((1, 2)) / 255.0
    labels = ops.convert_to_numpy(found["labels"])
    np.testing.assert_allclose(shares, labels, atol=0.06 if name == "CutMix" else 1e-4)
    assert (labels.max(1) < 0.99).any()
    np.testing.assert_allclose(
        ops.convert_to_numpy(found["segmentation_masks"]), ops.convert_to_numpy(found["images"])[..., :1], atol=1e-3
    )


def test_mixed_images_have_the_boxes_of_both():
    x, (_, boxes) = images(2, 24, 28, 3), marked()
    found = layers.MixUp(seed=1, bounding_box_format="xyxy")({"images": x, "bounding_boxes": boxes})["bounding_boxes"]
    assert tuple(found["boxes"].shape) == (2, 4, 4) and tuple(found["labels"].shape) == (2, 4)
    assert sorted(ops.convert_to_numpy(found["labels"])[0].tolist()) in ([4, 4, 5, 5], [4, 5, 6, 7])


def test_labels_and_other_entries_of_a_dict_stay():
    data = {"images": images(), "labels": np.arange(4), "name": np.arange(4)}
    found = layers.RandomFlip(seed=1)(data)
    assert set(found) == set(data) and np.asarray(found["labels"]).tolist() == [0, 1, 2, 3]


def test_solarization_and_inversion_respect_their_ranges():
    x = np.array([-1.0, -0.5, 0.5, 1.0], "float32").reshape(1, 2, 2, 1)
    inverted = layers.RandomInvert((1.0, 1.0), value_range=(-1, 1))(x)
    np.testing.assert_allclose(ops.convert_to_numpy(inverted).ravel(), [1.0, 0.5, -0.5, -1.0])
    solarized = layers.Solarization(threshold_factor=(0.5, 0.5), value_range=(-1, 1))(x)
    np.testing.assert_allclose(ops.convert_to_numpy(solarized).ravel(), [-1.0, -0.5, -0.5, -1.0])


def test_a_pipeline_passes_training_and_is_saved_with_its_layers(tmp_path):
    pipeline = layers.Pipeline([layers.RandomInvert((1.0, 1.0)), layers.Rescaling(1 / 255)], name="prepare")
    x = images()
    np.testing.assert_allclose(ops.convert_to_numpy(pipeline(x)), 1 - x / 255, atol=1e-5)
    np.testing.assert_allclose(ops.convert_to_numpy(pipeline(x, training=False)), x / 255, atol=1e-5)
    model = amalthea.Sequential([amalthea.Input(x.shape[1:]), pipeline, layers.Flatten()])
    model.save(tmp_path / "model.keras")
    again = amalthea.models.load_model(tmp_path / "model.keras")
    np.testing.assert_allclose(again.predict(x, verbose=0), model.predict(x, verbose=0))
    assert [type(layer).__name__ for layer in again.layers[0].layers] == ["RandomInvert", "Rescaling"]


BAD = {
    "no images": (lambda: layers.RandomFlip()({"labels": np.ones(3)}), "found no images"),
    "a vector": (lambda: layers.RandomFlip()(np.ones(3)), "not an image"),
    "boxes of no format": (
        lambda: layers.RandomFlip()({"images": images(), "bounding_boxes": marked()[1]}),
        "bounding_box_format",
    ),
    "boxes without labels": (
        lambda: layers.RandomFlip(bounding_box_format="xyxy")({"images": images(), "bounding_boxes": {"boxes": 1}}),
        "Boxes come with labels",
    ),
    "another format": (lambda: layers.RandomFlip(bounding_box_format="xxyy"), "does not exist"),
    "boxes cut": (
        lambda: layers.CutMix(bounding_box_format="xyxy")({"images": images(), "bounding_boxes": marked()[1]}),
        "cannot cut boxes",
    ),
    "boxes bent": (
        lambda: layers.RandomElasticTransform(bounding_box_format="xyxy")(
            {"images": images(2, 24, 28, 3), "bounding_boxes": marked()[1]}
        ),
        "cannot move boxes",
    ),
    "masks without channels": (
        lambda: layers.RandomFlip()({"images": images(), "segmentation_masks": np.ones((4, 8, 6))}),
        "axes of its image",
    ),
    "factor": (lambda: layers.RandomHue(1.5), "`factor` is out of range"),
    "factors": (lambda: layers.RandomInvert((0.5, 0.2)), "`factor` is out of range"),
    "range": (lambda: layers.RandomHue(0.5, value_range=(1, 0)), "smaller first"),
    "even size": (lambda: layers.RandomGaussianBlur(kernel_size=4), "odd"),
    "tiles": (lambda: layers.ContrastLimitedAdaptiveHistogramEqualization(tile_grid_size=(1, 2, 3)), "Tiles"),
    "layers": (lambda: layers.Pipeline([3]), "layer"),
}


@pytest.mark.parametrize("case", BAD)
def test_what_cannot_be_done_is_told(case):
    call, message = BAD[case]
    with pytest.raises(AmaltheaError, match=message):
        call()
