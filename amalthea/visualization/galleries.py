"""Galleries of images, drawn with Matplotlib."""

from __future__ import annotations

import importlib
import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from amalthea import docstrings, ops
from amalthea.checks import check_all, optional, positive_int, positive_number
from amalthea.engine.types import TensorLike
from amalthea.errors import ArgumentError, MissingLibraryError, brief
from amalthea.visualization.drawing import as_images, draw_bounding_boxes, draw_segmentation_masks

docstrings.share(
    "range of pixels",
    """
    value_range: two floats; values of black and white in the images. Defaults to (0, 255).
    """,
)
docstrings.share(
    "gallery options",
    """
    **kwargs: further arguments of :func:`plot_image_gallery`, such as ``path``, ``show`` and ``scale``.
    """,
)


def _pyplot() -> Any:
    try:
        plt: Any = importlib.import_module("matplotlib.pyplot")
    except ModuleNotFoundError:
        raise MissingLibraryError(
            "Galleries need Matplotlib, which is not installed.", cure="pip install amalthea[plots]"
        ) from None
    return plt


def _scaled(images: Any, value_range: Sequence[float], data_format: str | None) -> np.ndarray:
    """Images as uint8 with channels last."""
    pair = tuple(value_range) if isinstance(value_range, (list, tuple)) else ()
    if len(pair) != 2 or not pair[0] < pair[1]:
        raise ArgumentError(
            "`value_range` is the values of black and white.", expected="(0, 255)", got=brief(value_range)
        )
    array = ops.convert_to_numpy(images).astype("float64")
    return as_images((array - pair[0]) * (255.0 / (pair[1] - pair[0])), data_format)


@docstrings.fill
def plot_image_gallery(
    images: TensorLike,
    y_true: TensorLike | None = None,
    y_pred: TensorLike | None = None,
    label_map: Mapping[int, str] | None = None,
    rows: int | None = None,
    cols: int | None = None,
    value_range: Sequence[float] = (0, 255),
    scale: float = 2,
    path: Any = None,
    show: bool | None = None,
    transparent: bool = True,
    dpi: int = 60,
    legend_handles: Any = None,
    data_format: str | None = None,
) -> Any:
    """Shows a batch of images in rows and columns, with the names of their classes.

    Args:
        images: TensorLike; the images.
        y_true: TensorLike or None; class of each image, which is written under it. Defaults to None.
        y_pred: TensorLike or None; predicted class of each image. Defaults to None.
        label_map: dict from class to name; needed with classes. Defaults to None.
        rows: int; number of rows. Defaults to None: as many as the images need.
        cols: int; number of columns. Defaults to None: about as many as rows.
        |range of pixels|
        scale: float; width of an image, in inches. Defaults to 2.
        path: str or path; file to write to. Defaults to None, which shows the gallery.
        show: bool; whether it is shown. Defaults to None: it is shown if ``path`` is None.
        transparent: bool; whether the background in a file is transparent. Defaults to True.
        dpi: int; dots per inch in a file. Defaults to 60.
        legend_handles: list of Matplotlib's patches for a legend. Defaults to None, no legend.
        |data format of images|

    Shapes: images ``(batch, height, width, channels)``, classes ``(batch,)``

    Returns:
        Matplotlib's figure if it is neither shown nor written, else None.

    Raises:
        ArgumentError: both ``path`` and ``show`` are given, or classes without names.
        MissingLibraryError: Matplotlib is not installed.

    Example:
        >>> import numpy as np
        >>> from amalthea import visualization
        >>> visualization.plot_image_gallery(np.zeros((4, 8, 8, 3)), path="gallery.png")  # doctest: +SKIP
    """
    check_all(
        "plot_image_gallery",
        {"rows": optional(positive_int), "cols": optional(positive_int), "scale": positive_number, "dpi": positive_int},
        {"rows": rows, "cols": cols, "scale": scale, "dpi": dpi},
    )
    if path is not None and show:
        raise ArgumentError("A gallery is shown or written to a file, not both.", got="path and show=True")
    if (y_true is not None or y_pred is not None) and label_map is None:
        raise ArgumentError("Classes need names.", expected='label_map={0: "cat"}', got=None)
    pixels = _scaled(images, value_range, data_format)
    plt = _pyplot()
    cols = cols or (math.ceil(len(pixels) / rows) if rows else math.ceil(math.sqrt(len(pixels))))
    rows = rows or max(math.ceil(len(pixels) / cols), 1)
    figure, axes = plt.subplots(rows, cols, figsize=(cols * scale, rows * scale), squeeze=False)
    for i, axis in enumerate(axes.flat):
        axis.axis("off")
        if i < len(pixels):
            axis.imshow(pixels[i])
            axis.set_title(_title(i, y_true, y_pred, label_map or {}), fontsize=4 * scale, y=-0.25)
    if legend_handles is not None:
        figure.legend(handles=legend_handles, loc="lower center")
    if path is not None:
        figure.savefig(path, bbox_inches="tight", pad_inches=0, transparent=transparent, dpi=dpi)
        plt.close(figure)
        return None
    if show is False:
        return figure
    plt.show()
    return plt.close(figure)


def _title(i: int, y_true: Any, y_pred: Any, names: Mapping[int, str]) -> str:
    parts = []
    for word, classes in (("true", y_true), ("predicted", y_pred)):
        if classes is not None:
            number = int(ops.convert_to_numpy(classes).ravel()[i])
            parts.append(f"{word}: {names.get(number, number)}")
    return "\n".join(parts)


@docstrings.fill
def plot_bounding_box_gallery(
    images: TensorLike,
    bounding_box_format: str,
    y_true: Mapping[str, Any] | None = None,
    y_pred: Mapping[str, Any] | None = None,
    value_range: Sequence[float] = (0, 255),
    true_color: Sequence[int] = (0, 188, 212),
    pred_color: Sequence[int] = (255, 235, 59),
    line_thickness: int = 2,
    font_scale: float = 1.0,
    text_thickness: int | None = None,
    class_mapping: Mapping[int, str] | None = None,
    ground_truth_mapping: Mapping[int, str] | None = None,
    prediction_mapping: Mapping[int, str] | None = None,
    legend: bool = False,
    legend_handles: Any = None,
    rows: int | None = None,
    cols: int | None = None,
    data_format: str | None = None,
    **kwargs: Any,
) -> Any:
    """Shows a batch of images with true and predicted boxes.

    Args:
        images: TensorLike; the images.
        bounding_box_format: str; one of the formats of ``utils.bounding_boxes.convert_format``.
        y_true, y_pred: dict with ``"boxes"`` and ``"labels"``, or None; true and predicted boxes. Defaults to None.
        |range of pixels|
        true_color, pred_color: three ints; colors of true and predicted boxes.
        line_thickness: int; width of the lines, in pixels. Defaults to 2.
        font_scale: float; size of names; 1.0 is 12 pixels. Defaults to 1.0.
        text_thickness: int or None; width of the strokes of names. Defaults to None, ``line_thickness``.
        class_mapping: dict from label to name. Defaults to None, which writes none.
        ground_truth_mapping, prediction_mapping: the same for true or predicted boxes alone. Defaults to None,
            ``class_mapping``.
        legend: bool; whether a legend explains the colors. Defaults to False.
        legend_handles: list of Matplotlib's patches in place of this legend. Defaults to None.
        rows, cols: int; numbers of rows and columns. Defaults to None, as the images need.
        |data format of images|
        |gallery options|

    Shapes: images ``(batch, height, width, channels)``, boxes ``(batch, boxes, 4)``, labels ``(batch, boxes)``

    Returns:
        The same as :func:`plot_image_gallery`.

    Raises:
        ArgumentError: an option cannot be used.
        MissingLibraryError: Matplotlib is not installed.

    Example:
        >>> import numpy as np
        >>> from amalthea import visualization
        >>> boxes = {"boxes": np.array([[[1.0, 1.0, 4.0, 3.0]]]), "labels": np.array([[0]])}
        >>> visualization.plot_bounding_box_gallery(
        ...     np.zeros((1, 8, 8, 3)), "xyxy", y_true=boxes, path="boxes.png")  # doctest: +SKIP
    """
    drawn = _scaled(images, value_range, data_format)
    for boxes, color, names in (
        (y_true, true_color, ground_truth_mapping or class_mapping),
        (y_pred, pred_color, prediction_mapping or class_mapping),
    ):
        if boxes is not None:
            drawn = draw_bounding_boxes(
                drawn, boxes, bounding_box_format, names, color, line_thickness, text_thickness or line_thickness,
                font_scale, "channels_last",
            )  # fmt: skip
    if legend and legend_handles is None:
        legend_handles = _patches({"true": true_color, "predicted": pred_color})
    return plot_image_gallery(
        drawn, rows=rows, cols=cols, legend_handles=legend_handles, data_format="channels_last", **kwargs
    )


def _patches(colors: Mapping[str, Sequence[int]]) -> list[Any]:
    _pyplot()
    patches: Any = importlib.import_module("matplotlib.patches")

    return [patches.Patch(color=[n / 255 for n in color], label=name) for name, color in colors.items()]


@docstrings.fill
def plot_segmentation_mask_gallery(
    images: TensorLike,
    num_classes: int,
    value_range: Sequence[float] = (0, 255),
    y_true: TensorLike | None = None,
    y_pred: TensorLike | None = None,
    color_mapping: Mapping[int, Sequence[int]] | None = None,
    blend: bool = True,
    alpha: float = 0.8,
    ignore_index: int = -1,
    data_format: str | None = None,
    **kwargs: Any,
) -> Any:
    """Shows a batch of images, and beside each the same with its true and its predicted mask.

    Args:
        images: TensorLike; the images.
        num_classes: int; number of classes.
        |range of pixels|
        y_true, y_pred: TensorLike of ints, or None; class of each pixel. Defaults to None.
        color_mapping: dict from class to three ints. Defaults to None, which makes different colors.
        blend: bool; whether pixels and colors are mixed. Defaults to True.
        alpha: float in [0, 1]; share of the color in a pixel. Defaults to 0.8.
        ignore_index: int; class that is not colored. Defaults to -1.
        |data format of images|
        |gallery options|

    Shapes: images ``(batch, height, width, channels)``, masks ``(batch, height, width)``

    Returns:
        The same as :func:`plot_image_gallery`.

    Raises:
        ArgumentError: an option cannot be used.
        MissingLibraryError: Matplotlib is not installed.

    Example:
        >>> import numpy as np
        >>> from amalthea import visualization
        >>> masks = np.zeros((1, 8, 8), "int32")
        >>> visualization.plot_segmentation_mask_gallery(
        ...     np.zeros((1, 8, 8, 3)), 2, y_true=masks, path="masks.png")  # doctest: +SKIP
    """
    pixels = _scaled(images, value_range, data_format)
    columns = [pixels]
    for masks in (y_true, y_pred):
        if masks is not None:
            columns.append(
                draw_segmentation_masks(
                    pixels, masks, num_classes, color_mapping, alpha, blend, ignore_index, "channels_last"
                )
            )
    side_by_side = np.concatenate(columns, axis=2)
    return plot_image_gallery(side_by_side, data_format="channels_last", **kwargs)
