"""Sequences of unequal lengths made equal, pairs of words, and windows of time series."""

from amalthea.names import missing_in as _missing_in
from amalthea.preprocessing.timeseries_generator import TimeseriesGenerator, timeseries_generator_from_json
from amalthea.preprocessing.word_pairs import make_sampling_table, skipgrams
from amalthea.utils.sequences import pad_sequences

__all__ = [
    "TimeseriesGenerator",
    "make_sampling_table",
    "pad_sequences",
    "skipgrams",
    "timeseries_generator_from_json",
]

__getattr__ = _missing_in("preprocessing.sequence")
