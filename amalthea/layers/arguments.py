"""Checks of the numbers that constructors of layers take, by parameter name; a layer may override one of them."""

from __future__ import annotations

from amalthea.checks import (
    any_number,
    at_least_int,
    either,
    finite_number,
    integer,
    non_negative_int,
    non_negative_number,
    one_or_several,
    positive_int,
    positive_number,
    several,
    share,
)

_SIZES = (
    "units filters input_dim output_dim groups depth_multiplier num_heads key_dim value_dim head_dim num_query_heads "
    "num_key_value_heads sliding_window n num_bins num_tokens height width bins power_iterations frame_length "
    "frame_step fft_length sequence_stride sequence_length num_mel_bins batch_size"
)
_SIZES_OF_AXES = "kernel_size strides dilation_rate pool_size size output_size"
_FRACTIONS = "rate dropout recurrent_dropout momentum renorm_momentum"
_NOT_NEGATIVE = "epsilon stddev negative_slope threshold max_value l1 l2 min_freq top_db"
_POSITIVE = "sampling_rate max_freq mag_exp min_power ref_power logit_soft_cap"

CHECKS = {
    **dict.fromkeys(_SIZES.split(), positive_int),
    **dict.fromkeys(_SIZES_OF_AXES.split(), one_or_several(positive_int)),
    **dict.fromkeys(_FRACTIONS.split(), share),
    **dict.fromkeys(_NOT_NEGATIVE.split(), non_negative_number),
    **dict.fromkeys(_POSITIVE.split(), positive_number),
    **dict.fromkeys(("axis", "axes", "shared_axes", "attention_axes", "dims"), one_or_several(integer)),
    "output_padding": one_or_several(non_negative_int),
    "target_shape": either(one_or_several(at_least_int(-1)), (), []),
    **dict.fromkeys(("factor", "height_factor", "width_factor", "fill_value"), one_or_several(finite_number)),
    "value_range": several(finite_number),
    "alpha": finite_number,
    "lora_rank": positive_int,
    "lora_alpha": finite_number,
    "mask_value": any_number,
}
