"""Images that are changed at random: transforms against padded arrays, files, tables, pairs of generators, training."""

import numpy as np
import pytest

from amalthea import Sequential, layers
from amalthea.errors import AmaltheaError, ArgumentError, DataError, ShapeError
from amalthea.preprocessing import image
from amalthea.preprocessing.affine import warped
from tests.arrays import numbers

PADDED = {"nearest": {"mode": "edge"}, "reflect": {"mode": "symmetric"}, "constant": {"constant_values": 0.25}}


@pytest.fixture(autouse=True)
def generator_as_it_was():
    before = np.random.get_state()
    yield
    np.random.set_state(before)


@pytest.mark.parametrize("order", [0, 1])
@pytest.mark.parametrize("mode", PADDED)
def test_beyond_the_borders_lies_what_a_padded_image_holds(mode, order):
    state = np.random.RandomState(3)
    for _ in range(20):
        height, width = state.randint(1, 6, 2)
        x = state.rand(height, width, 2)
        matrix, offset = np.eye(2) + 0.4 * state.randn(2, 2), state.randn(2)
        wide = np.pad(x, ((20, 20), (20, 20), (0, 0)), **PADDED[mode])
        got = warped(x, matrix, offset, order, mode, 0.25)
        rows, columns = np.indices((height, width))
        for r, c in zip(rows.ravel(), columns.ravel()):
            at = matrix @ [r, c] + offset
            outside = mode == "constant" and not np.all((at >= 0) & (at <= np.array([height, width]) - 1))
            wanted = np.full(2, 0.25) if outside else read(wide, at + 20, order)
            np.testing.assert_allclose(got[r, c], wanted, atol=1e-9)


def read(x, at, order):
    if order == 0:
        row, column = np.floor(at + 0.5).astype(int)
        return x[row, column]
    low = np.floor(at).astype(int)
    share = at - low
    total = 0
    for i in (0, 1):
        for j in (0, 1):
            weight = (share[0] if i else 1 - share[0]) * (share[1] if j else 1 - share[1])
            total = total + weight * x[low[0] + i, low[1] + j]
    return total


def test_a_quarter_turn_moves_pixels():
    x = np.zeros((5, 5, 1))
    x[2, 3] = 1  # beside the point (3, 3), around which images of 5 pixels are turned
    turned = image.apply_affine_transform(x, theta=90, order=0)
    assert np.argwhere(turned[:, :, 0] == 1).tolist() == [[3, 4]]


@pytest.mark.parametrize("first", [False, True])
def test_axes_of_an_image_may_come_in_any_order(first):
    x = numbers(6, 4, 3)
    axes = {"row_axis": 1, "col_axis": 2, "channel_axis": 0} if first else {}
    given = np.moveaxis(x, -1, 0) if first else x
    got = image.apply_affine_transform(given, theta=20, tx=1, shear=5, zx=0.8, **axes)
    wanted = image.apply_affine_transform(x, theta=20, tx=1, shear=5, zx=0.8)
    np.testing.assert_allclose(np.moveaxis(got, 0, -1) if first else got, wanted)
    swapped = image.apply_affine_transform(
        x.swapaxes(0, 1), theta=20, tx=1, shear=5, zx=0.8, row_axis=1, col_axis=0, channel_axis=2
    )
    np.testing.assert_allclose(swapped.swapaxes(0, 1), wanted)


def test_one_seed_pairs_images_with_masks():
    options = {"rotation_range": 40, "zoom_range": 0.3, "horizontal_flip": True}
    x = numbers(6, 5, 5, 1).astype("float32")
    flows = [image.ImageDataGenerator(**options).flow(a, batch_size=4, seed=11) for a in (x, x * 2)]
    for _ in range(4):
        one, two = (next(flow) for flow in flows)
        np.testing.assert_allclose(two, one * 2, rtol=1e-6)


def small():
    model = Sequential([layers.Input((4, 4, 1)), layers.Flatten(), layers.Dense(2, activation="softmax")])
    model.compile("sgd", "sparse_categorical_crossentropy")
    return model


SOURCES = {
    "an iterator": lambda x, y: (image.ImageDataGenerator(horizontal_flip=True).flow(x, y, batch_size=4), {}),
    "its batches": lambda x, y: (
        (batch for batch in image.ImageDataGenerator().flow(x, y, batch_size=4)),
        {"steps_per_epoch": 3},
    ),
    "a zip of two": lambda x, y: (
        zip(*(image.ImageDataGenerator().flow(a, batch_size=4, seed=1) for a in (x, y[:, None, None, None]))),
        {"steps_per_epoch": 3},
    ),
}


@pytest.mark.parametrize("source", ["an iterator", "its batches"])
def test_fit_evaluate_and_predict_take_generators(source):
    x, y = numbers(10, 4, 4, 1), np.arange(10) % 2
    data, options = SOURCES[source](x, y)
    model = small()
    assert len(model.fit(data, epochs=2, verbose=0, **options).history["loss"]) == 2
    if not options:
        assert np.isfinite(model.evaluate(data, verbose=0))
        plain = image.ImageDataGenerator().flow(x, batch_size=4, shuffle=False)
        np.testing.assert_allclose(model.predict(plain, verbose=0), model.predict(x, verbose=0), rtol=1e-5)


@pytest.fixture
def folder(tmp_path):
    pytest.importorskip("PIL")
    for name, count in (("cats", 3), ("dogs", 2)):
        (tmp_path / name / "inner").mkdir(parents=True)
        for i in range(count):
            place = tmp_path / name / ("inner" if i == 2 else ".")
            image.save_img(place / f"{i}.png", np.full((6, 6, 3), 10 * i + (name == "dogs")), scale=False)
        (tmp_path / name / "notes.txt").write_text("no image")
    return tmp_path


CLASS_MODES = {
    "categorical": [[1, 0], [1, 0], [1, 0], [0, 1], [0, 1]],
    "binary": [0, 0, 0, 1, 1],
    "sparse": [0, 0, 0, 1, 1],
    None: None,
}


@pytest.mark.parametrize("mode", CLASS_MODES)
def test_folders_are_classes(folder, mode, capsys):
    flow = image.ImageDataGenerator(rescale=0.5).flow_from_directory(
        folder, target_size=(3, 3), class_mode=mode, batch_size=8, shuffle=False
    )
    assert "Found 5 images belonging to 2 classes." in capsys.readouterr().out
    assert flow.class_indices == {"cats": 0, "dogs": 1} and flow.samples == 5
    batch = next(flow)
    x = batch if mode is None else batch[0]
    assert x.shape == (5, 3, 3, 3)
    np.testing.assert_allclose(x[:, 0, 0, 0] * 2, [0, 10, 20, 1, 11])
    if mode is not None:
        np.testing.assert_array_equal(batch[1], CLASS_MODES[mode])


def test_images_are_their_own_labels_and_are_written(folder, tmp_path):
    out = tmp_path / "out"
    out.mkdir()
    flow = image.ImageDataGenerator().flow_from_directory(
        folder, target_size=(3, 3), class_mode="input", color_mode="grayscale", classes=["dogs"], save_to_dir=out
    )
    x, y = next(flow)
    assert x.shape == (2, 3, 3, 1) and len(list(out.glob("*.png"))) == 2
    np.testing.assert_array_equal(x, y)


def test_subsets_of_a_folder_part_each_class(folder):
    generator = image.ImageDataGenerator(validation_split=0.5)
    found = [
        generator.flow_from_directory(folder, target_size=(2, 2), subset=name).filenames
        for name in ("validation", "training")
    ]
    assert [len(names) for names in found] == [2, 3] and len({*found[0], *found[1]}) == 5


RAW_COLUMNS = {"class_mode": "raw", "y_col": ["u", "v"]}
TABLES = {
    "categorical": ({"class": ["a", "b", "a"]}, {}, [[1, 0], [0, 1], [1, 0]]),
    "several of one row": ({"class": [["a", "b"], ["b"], ["a"]]}, {}, [[1, 1], [0, 1], [1, 0]]),
    "binary": ({"class": ["a", "b", "a"]}, {"class_mode": "binary"}, [0, 1, 0]),
    "raw": ({"class": [0.5, 1.5, 2.5]}, {"class_mode": "raw"}, [0.5, 1.5, 2.5]),
    "raw columns": (
        {"u": [1, 2, 3], "v": [4, 5, 6]},
        {"class_mode": "raw", "y_col": ["u", "v"]},
        [[1, 4], [2, 5], [3, 6]],
    ),
    "some classes": ({"class": ["a", "b", "a"]}, {"classes": ["a"]}, [[1], [1]]),
}


@pytest.mark.parametrize("name", TABLES)
def test_a_table_names_files_and_labels(folder, name):
    columns, options, wanted = TABLES[name]
    table = {"filename": ["cats/0.png", "cats/1.png", "dogs/0.png"], **columns}
    flow = image.ImageDataGenerator().flow_from_dataframe(table, folder, target_size=(2, 2), shuffle=False, **options)
    x, y = next(flow)
    np.testing.assert_allclose(np.asarray(y, float), wanted)
    assert len(x) == len(wanted)


def test_files_that_do_not_exist_are_left_out_with_a_warning(folder):
    table = {"filename": ["cats/0.png", "cats/9.png"], "class": ["a", "b"], "w": [0.5, 2.0]}
    with pytest.warns(UserWarning, match="1 names in column 'filename'"):
        flow = image.ImageDataGenerator().flow_from_dataframe(table, folder, target_size=(2, 2), weight_col="w")
    assert next(flow)[2].tolist() == [0.5]


def test_data_that_were_not_seen_are_left_as_they_are_with_a_warning():
    with pytest.warns(UserWarning, match="call fit"):
        made = image.ImageDataGenerator(featurewise_center=True).standardize(np.ones((1, 1, 1)))
    assert made.tolist() == [[[1.0]]]


MISTAKES = {
    "a fill mode": (lambda: image.ImageDataGenerator(fill_mode="mirror"), ArgumentError),
    "an order": (lambda: image.ImageDataGenerator(interpolation_order=3), ArgumentError),
    "a zoom": (lambda: image.ImageDataGenerator(zoom_range=[1, 2, 3]), ArgumentError),
    "a brightness": (lambda: image.ImageDataGenerator(brightness_range=0.5), ArgumentError),
    "a split": (lambda: image.ImageDataGenerator(validation_split=1.5), ArgumentError),
    "a data format": (lambda: image.ImageDataGenerator(data_format="first"), AmaltheaError),
    "axes to fit": (lambda: image.ImageDataGenerator().fit(np.ones((2, 2))), ShapeError),
    "axes of data": (lambda: image.ImageDataGenerator().flow(np.ones((2, 2))), ShapeError),
    "axes of an image": (lambda: image.ImageDataGenerator().random_transform(np.ones(2)), AmaltheaError),
    "lengths": (lambda: image.ImageDataGenerator().flow(np.ones((2, 2, 2, 1)), [1]), DataError),
    "a batch size": (lambda: image.ImageDataGenerator().flow(np.ones((2, 2, 2, 1)), batch_size=0), ArgumentError),
    "a subset": (lambda: image.ImageDataGenerator().flow(np.ones((2, 2, 2, 1)), subset="test"), ArgumentError),
    "a folder": (lambda: image.ImageDataGenerator().flow_from_directory("nowhere"), ArgumentError),
    "a class mode": (lambda: image.ImageDataGenerator().flow_from_directory(".", class_mode="x"), ArgumentError),
    "a color mode": (lambda: image.ImageDataGenerator().flow_from_directory(".", color_mode="x"), ArgumentError),
    "a column": (lambda: image.ImageDataGenerator().flow_from_dataframe({"a": []}), ArgumentError),
    "an option": (lambda: image.ImageDataGenerator().flow_from_directory(".", sead=1), ArgumentError),
    "a range": (lambda: image.random_zoom(np.ones((1, 2, 2)), 0.5), ArgumentError),
}


@pytest.mark.parametrize("name", MISTAKES)
def test_mistakes_are_told_in_words(name):
    call, error = MISTAKES[name]
    with pytest.raises(error):
        call()


def test_no_images_make_no_batch():
    flow = image.ImageDataGenerator().flow(np.zeros((0, 2, 2, 1)))
    assert len(flow) == 0 and next(flow).shape == (0, 2, 2, 1)
    assert image.apply_affine_transform(np.zeros((0, 2, 1)), theta=3).shape == (0, 2, 1)


@pytest.mark.parametrize("seed", [None, 5])
def test_training_sees_the_batches_of_the_seed(seed):
    x, y = numbers(10, 4, 4, 1), np.arange(10) % 2
    flow = image.ImageDataGenerator(rotation_range=30).flow(x, y, batch_size=4, seed=seed)
    again = image.ImageDataGenerator(rotation_range=30).flow(x, y, batch_size=4, seed=seed)
    np.random.seed(1)
    wanted = [again[i][0] for i in range(3)]
    seen = []
    make = flow._get_batches_of_transformed_samples
    flow._get_batches_of_transformed_samples = lambda index: seen.append(make(index)) or seen[-1]
    np.random.seed(1)
    small().fit(flow, shuffle=False, verbose=0)
    for one, other in zip(seen[-3:], wanted):
        np.testing.assert_array_equal(one[0], other)
