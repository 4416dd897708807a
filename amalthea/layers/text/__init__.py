"""Layers that read text: lookups, hashes, vectorization. They compute in NumPy, on the host.

| file | holds |
|---|---|
| ``host_layer.py`` | ``HostLayer``: a layer whose computation no backend compiles |
| ``index_lookup.py`` | the vocabulary of all lookups: given, learned, saved |
| ``string_lookup.py``, ``integer_lookup.py`` | the lookups of text and of whole numbers |
| ``vectorization.py`` | texts into tokens into numbers |
| ``hashing.py``, ``hashes.py`` | features into bins, by stable hashes |
"""
