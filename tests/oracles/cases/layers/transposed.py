"""Transposed convolutions: every way in which stride, kernel and padding can disagree."""

from .convolution import FIRST, conv

CASES = [
    conv("Conv1DTranspose", "valid", 3, 3, 2, 4, 2),
    conv("Conv1DTranspose", "same", 3, 3, 1, 4, 2, padding="same"),
    conv("Conv1DTranspose", "strides", 2, 3, 1, 4, 2, strides=2),
    conv("Conv1DTranspose", "same_strides", 2, 3, 1, 4, 2, strides=2, padding="same"),
    conv("Conv1DTranspose", "same_even_kernel", 2, 4, 1, 4, 2, strides=2, padding="same"),
    conv("Conv1DTranspose", "stride_over_kernel", 2, 2, 1, 4, 2, strides=3),
    conv("Conv1DTranspose", "stride_over_kernel_same", 2, 2, 1, 4, 2, strides=3, padding="same"),
    conv("Conv1DTranspose", "output_padding", 2, 3, 1, 4, 2, strides=2, padding="same", output_padding=1),
    conv("Conv1DTranspose", "output_padding_valid", 2, 3, 1, 4, 2, strides=2, output_padding=1),
    conv("Conv1DTranspose", "dilated", 2, 2, 1, 4, 2, dilation_rate=2),
    conv("Conv1DTranspose", "dilated_same", 2, 3, 1, 5, 2, dilation_rate=2, padding="same"),
    conv("Conv1DTranspose", "channels_first", 3, 3, 1, 2, 4, strides=2, padding="same", **FIRST),
    conv("Conv2DTranspose", "valid", 3, 3, 1, 3, 4, 2),
    conv("Conv2DTranspose", "same", 3, 3, 1, 3, 4, 2, padding="same"),
    conv("Conv2DTranspose", "same_strides", 2, 3, 1, 3, 4, 2, strides=2, padding="same"),
    conv("Conv2DTranspose", "strides", 2, (2, 3), 1, 3, 3, 2, strides=(2, 1), activation="relu"),
    conv("Conv2DTranspose", "four_by_two", 2, 4, 1, 3, 3, 2, strides=2, padding="same", use_bias=False),
    conv("Conv2DTranspose", "output_padding", 2, 3, 1, 3, 3, 2, strides=2, padding="same", output_padding=(1, 0)),
    conv("Conv2DTranspose", "dilated", 2, 2, 1, 3, 3, 2, dilation_rate=2),
    conv("Conv2DTranspose", "channels_first", 3, 3, 1, 2, 3, 3, strides=2, padding="same", **FIRST),
    conv("Conv3DTranspose", "valid", 2, 2, 1, 2, 3, 2, 2),
    conv("Conv3DTranspose", "same_strides", 2, 3, 1, 2, 2, 3, 1, strides=2, padding="same"),
    conv("Conv3DTranspose", "strides", 1, 2, 1, 2, 2, 2, 2, strides=(2, 1, 2)),
]
