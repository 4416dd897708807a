"""Images in files, drawing and galleries: only where Pillow or Matplotlib is installed."""

from __future__ import annotations

import io

import numpy as np
import pytest

from amalthea import preprocessing, utils, visualization
from amalthea.errors import AmaltheaError, MissingLibraryError
from tests.arrays import integers

PIXELS = integers(255, 6, 8, 3).astype("uint8")


def saved(folder, array=PIXELS, name="image.png"):
    pytest.importorskip("PIL")
    utils.save_img(folder / name, array, scale=False)
    return folder / name


def test_a_saved_image_comes_back(tmp_path):
    found = utils.img_to_array(utils.load_img(saved(tmp_path)))
    np.testing.assert_array_equal(found, PIXELS)
    assert found.dtype == "float32"


@pytest.mark.parametrize(("mode", "channels"), [("rgb", 3), ("rgba", 4), ("grayscale", 1)])
def test_color_modes_are_numbers_of_channels(mode, channels, tmp_path):
    assert utils.img_to_array(utils.load_img(saved(tmp_path), color_mode=mode)).shape == (6, 8, channels)


def test_images_are_loaded_from_bytes_and_resized(tmp_path):
    data = io.BytesIO(saved(tmp_path).read_bytes())
    assert utils.load_img(data, target_size=(3, 4)).size == (4, 3)
    whole = utils.img_to_array(utils.load_img(saved(tmp_path), target_size=(3, 3), keep_aspect_ratio=True))
    np.testing.assert_array_equal(whole, PIXELS[1::2, 2:7:2])  # the middle 6 x 6, every second pixel


def test_arrays_without_pillow_are_converted_too():
    assert preprocessing.image.img_to_array(np.zeros((4, 6)), data_format="channels_first").shape == (1, 4, 6)
    x = np.arange(48.0).reshape(4, 4, 3)
    np.testing.assert_allclose(preprocessing.image.smart_resize(x, (2, 2)), x.reshape(2, 2, 2, 2, 3).mean((1, 3)))
    assert preprocessing.image.smart_resize(np.zeros((5, 4, 9, 3)), (2, 2)).shape == (5, 2, 2, 3)


def images(folder, **options):
    for name in ("a", "b"):
        (folder / name).mkdir()
        saved(folder / name, PIXELS if name == "a" else 255 - PIXELS)
    return utils.image_dataset_from_directory(
        folder, **{"format": None, "verbose": False, "shuffle": False, "image_size": (6, 8), **options}
    )


def test_images_of_a_folder(tmp_path):
    x, y = next(iter(images(tmp_path)))
    np.testing.assert_array_equal(x, [PIXELS, 255 - PIXELS])
    assert (x.dtype, y.tolist()) == ("float32", [0, 1])


OPTIONS = {
    "smaller": ({"image_size": (3, 4)}, (2, 3, 4, 3)),
    "cropped": ({"image_size": (3, 3), "crop_to_aspect_ratio": True}, (2, 3, 3, 3)),
    "padded": ({"image_size": (4, 4), "pad_to_aspect_ratio": True}, (2, 4, 4, 3)),
    "grey": ({"color_mode": "grayscale"}, (2, 6, 8, 1)),
    "channels first": ({"data_format": "channels_first"}, (2, 3, 6, 8)),
}


@pytest.mark.parametrize("name", OPTIONS)
def test_images_of_a_folder_have_the_shape_that_is_asked_for(name, tmp_path):
    options, shape = OPTIONS[name]
    assert next(iter(images(tmp_path, **options)))[0].shape == shape


BAD_IN_FILES = {
    "no file": lambda f: utils.load_img(f / "no.png"),
    "not an image": lambda f: utils.load_img(_text(f)),
    "an unknown mode": lambda f: utils.load_img(saved(f), color_mode="cmyk"),
    "an unknown interpolation": lambda f: utils.load_img(saved(f), target_size=(2, 2), interpolation="x"),
    "a size of one": lambda f: utils.load_img(saved(f), target_size=(2,)),
    "two channels": lambda f: utils.save_img(f / "a.png", np.zeros((2, 2, 2))),
    "an unknown format": lambda f: utils.save_img(f / "a.xyz", PIXELS),
    "an unknown resize": lambda f: images(f, interpolation="x"),
}


def _text(folder):
    (folder / "a.png").write_text("text")
    return folder / "a.png"


@pytest.mark.parametrize("case", BAD_IN_FILES)
def test_bad_files_and_options_have_errors_of_ours(case, tmp_path):
    pytest.importorskip("PIL")
    with pytest.raises(AmaltheaError):
        BAD_IN_FILES[case](tmp_path)


def test_without_pillow_the_command_is_told(tmp_path, monkeypatch):
    monkeypatch.setitem(__import__("sys").modules, "PIL", None)
    with pytest.raises(MissingLibraryError, match="amalthea\\[images\\]"):
        utils.array_to_img(PIXELS)


# ---------------------------------------------------------------------------------------------- drawing

BOXES = {"boxes": np.array([[[1.0, 1.0, 5.0, 4.0], [0.0, 0.0, 2.0, 2.0]]]), "labels": np.array([[0, -1]])}


def test_boxes_are_lines_and_label_minus_1_is_left_out():
    drawn = visualization.draw_bounding_boxes(np.zeros((1, 6, 8, 3)), BOXES, "xyxy", color=(9, 8, 7), line_thickness=1)
    lit = np.argwhere(drawn[0].any(-1)).tolist()
    assert lit == sorted([y, x] for y in range(1, 5) for x in range(1, 6) if y in (1, 4) or x in (1, 5))
    assert drawn.dtype == "uint8" and drawn[0, 1, 1].tolist() == [9, 8, 7]


def test_boxes_beyond_the_image_are_cut():
    boxes = {"boxes": np.array([[[-5.0, -5.0, 50.0, 50.0]]]), "labels": np.array([[1]])}
    assert not visualization.draw_bounding_boxes(np.zeros((1, 6, 8, 3)), boxes, "xyxy").any()


def test_names_of_classes_are_written():
    pytest.importorskip("PIL")
    boxes = {
        "boxes": np.array([[[2.0, 20.0, 30.0, 30.0]]]),
        "labels": np.array([[0]]),
        "confidences": np.array([[0.5]]),
    }
    plain, named = (
        visualization.draw_bounding_boxes(np.zeros((1, 32, 40, 3)), boxes, "xyxy", names)
        for names in (None, {0: "cat"})
    )
    assert named[0, :18].any() and not plain[0, :18].any()


def test_masks_color_their_pixels():
    masks = np.array([[[0, 1], [2, 1]]])
    images_of_grey = np.full((1, 2, 2, 3), 100)
    drawn = visualization.draw_segmentation_masks(
        images_of_grey, masks, color_mapping={1: (200, 0, 0), 2: (0, 0, 0)}, alpha=0.5, ignore_index=0
    )
    assert drawn[0].tolist() == [[[100] * 3, [150, 50, 50]], [[50] * 3, [150, 50, 50]]]
    plain = visualization.draw_segmentation_masks(images_of_grey, masks[..., None], 2, {1: (200, 0, 0)}, blend=False)
    assert plain[0, 0, 1].tolist() == [200, 0, 0] and plain[0, 0, 0].tolist() == [100] * 3


BAD_DRAWINGS = {
    "one image": lambda: visualization.draw_bounding_boxes(np.zeros((6, 8, 3)), BOXES, "xyxy"),
    "no labels": lambda: visualization.draw_bounding_boxes(np.zeros((1, 6, 8, 3)), {"boxes": BOXES["boxes"]}, "xyxy"),
    "boxes of other images": lambda: visualization.draw_bounding_boxes(np.zeros((2, 6, 8, 3)), BOXES, "xyxy"),
    "a color of two": lambda: visualization.draw_bounding_boxes(np.zeros((1, 6, 8, 3)), BOXES, "xyxy", color=(1, 2)),
    "no thickness": lambda: visualization.draw_bounding_boxes(np.zeros((1, 6, 8, 3)), BOXES, "xyxy", line_thickness=0),
    "masks of floats": lambda: visualization.draw_segmentation_masks(np.zeros((1, 2, 2, 3)), np.zeros((1, 2, 2))),
    "masks of another size": lambda: visualization.draw_segmentation_masks(
        np.zeros((1, 2, 2, 3)), np.zeros((1, 3, 2), int)
    ),
    "too much alpha": lambda: visualization.draw_segmentation_masks(
        np.zeros((1, 2, 2, 3)), np.zeros((1, 2, 2), int), alpha=2
    ),
    "classes without names": lambda: visualization.plot_image_gallery(np.zeros((1, 2, 2, 3)), y_true=[0]),
    "shown and written": lambda: visualization.plot_image_gallery(np.zeros((1, 2, 2, 3)), path="x.png", show=True),
}


@pytest.mark.parametrize("case", BAD_DRAWINGS)
def test_bad_drawings_have_errors_of_ours(case):
    with pytest.raises(AmaltheaError):
        BAD_DRAWINGS[case]()


GALLERIES = {
    "images": lambda **o: visualization.plot_image_gallery(
        np.zeros((5, 8, 8, 3)), y_true=[0] * 5, y_pred=[1] * 5, label_map={0: "cat", 1: "dog"}, **o
    ),
    "boxes": lambda **o: visualization.plot_bounding_box_gallery(
        np.zeros((1, 8, 8, 3)), "xyxy", y_true=BOXES, y_pred=BOXES, legend=True, value_range=(0, 1), **o
    ),
    "masks": lambda **o: visualization.plot_segmentation_mask_gallery(
        np.zeros((1, 8, 8, 3)), 2, y_true=np.ones((1, 8, 8), int), y_pred=np.zeros((1, 8, 8), int), **o
    ),
}


@pytest.mark.parametrize("name", GALLERIES)
def test_galleries_are_written_to_files(name, tmp_path):
    pytest.importorskip("matplotlib").use("agg")
    assert GALLERIES[name](path=tmp_path / "gallery.png") is None
    assert (tmp_path / "gallery.png").read_bytes()[1:4] == b"PNG"


def test_a_gallery_that_is_not_shown_is_returned():
    plt = pytest.importorskip("matplotlib.pyplot")
    figure = GALLERIES["images"](show=False, rows=1)
    assert len(figure.axes) == 5
    plt.close(figure)
