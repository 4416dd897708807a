"""``Dataset``: a pipeline of elements in pure Python: map, batch, shuffle, repeat.

Every method returns a new data set and changes nothing. A data set can be gone through any number of times; each time
``shuffle`` gives another order, the same in every run if it has a seed.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Iterator
from functools import partial
from itertools import chain, islice
from typing import Any

import numpy as np

from amalthea import random, text, tree
from amalthea.checks import integer, non_negative_int, optional, positive_int
from amalthea.data.prefetch import ahead, ahead_of_one
from amalthea.data.structure import Nest
from amalthea.engine.ir.trace import on_host
from amalthea.errors import ArgumentError, brief

INFINITE, UNKNOWN = -1, -2  # of `cardinality`
Items = Callable[[int], Iterator[Any]]


class Dataset:
    """Elements in order, one at a time: a pipeline that ``fit`` takes when its elements are batches.

    An element is ``x``, ``(x, y)`` or ``(x, y, sample_weight)``, in any nesting. Make one by
    :meth:`from_tensor_slices`, :meth:`from_source`, :meth:`from_generator` or :meth:`range`.

    Args:
        items: function of the number of the pass, from 0, that returns an iterator of the elements.
        size: int or None; number of elements; None if it is not known, ``-1`` for a data set without an end.
        element: function of an index that returns this element; None if elements have no index. Defaults to None.

    Example:
        >>> from amalthea.data import Dataset
        >>> dataset = Dataset.range(5).map(lambda i: i * 10).batch(2)
        >>> [batch.tolist() for batch in dataset], len(dataset)
        ([[0, 10], [20, 30], [40]], 3)
    """

    def __init__(self, items: Items, size: int | None = None, element: Callable[[int], Any] | None = None):
        self._items, self._size, self._element = items, size, element
        self._passes = 0
        self._batch_size: int | None = None

    # ------------------------------------------------------------------------------ where elements come from

    @staticmethod
    def from_source(source: Any) -> Dataset:
        """Makes a data set of an object with ``__len__`` and ``__getitem__``.

        Args:
            source: object such as a list, whose items become the elements.

        Example:
            >>> from amalthea.data import Dataset
            >>> list(Dataset.from_source("abc"))
            ['a', 'b', 'c']
        """
        return Dataset(partial(_of_source, source), len(source), source.__getitem__)

    @staticmethod
    def from_tensor_slices(tensors: Any) -> Dataset:
        """Makes a data set of the rows of arrays.

        Args:
            tensors: array, or lists, tuples and dicts of arrays with as many rows; a list of numbers or texts is an
                array.

        Shapes: arrays (n, ...) -> n elements (...)

        Raises:
            ArgumentError: the arrays have different numbers of rows.

        Example:
            >>> import numpy as np
            >>> from amalthea.data import Dataset
            >>> list(Dataset.from_tensor_slices((np.array([1, 2]), np.array([3, 4]))))
            [(np.int64(1), np.int64(3)), (np.int64(2), np.int64(4))]
        """
        return Dataset.from_source(Rows(tensors))

    @staticmethod
    def from_generator(generator: Callable[[], Iterable[Any]], **kwargs: Any) -> Dataset:
        """Makes a data set of what a function yields, which is called for each pass.

        Args:
            generator: function without arguments that returns an iterable, such as a generator function.
            **kwargs: ``output_signature`` and other options of ``tf.data``, not needed here.

        Raises:
            ArgumentError: it is not a function.

        Example:
            >>> from amalthea.data import Dataset
            >>> list(Dataset.from_generator(lambda: iter([1, 2])))
            [1, 2]
        """
        _check_options("from_generator", kwargs)
        if not callable(generator):
            raise ArgumentError(
                "from_generator takes a function, which is called for each pass.",
                got=brief(generator),
                cure="from_generator(lambda: iter(x))",
            )
        return Dataset(lambda epoch: iter(generator()))

    @staticmethod
    def range(*args: int) -> Dataset:
        """Makes a data set of whole numbers, as Python's ``range``.

        Args:
            *args: ``stop``, or ``start, stop`` or ``start, stop, step``.

        Example:
            >>> from amalthea.data import Dataset
            >>> [int(i) for i in Dataset.range(2, 8, 3)]
            [2, 5]
        """
        return Dataset.from_tensor_slices(np.arange(*args, dtype="int64"))

    # ---------------------------------------------------------------------------------------------- elements

    def __iter__(self) -> Iterator[Any]:
        self._passes += 1
        return self._items(self._passes - 1)

    def __len__(self) -> int:
        if self._size is None or self._size == INFINITE:
            raise TypeError("The data set has no end." if self._size else "The number of elements is not known.")
        return self._size

    def cardinality(self) -> int:
        """Returns the number of elements: -1 without an end, -2 if it is not known.

        Example:
            >>> from amalthea.data import Dataset
            >>> Dataset.range(3).cardinality(), Dataset.range(3).repeat().cardinality()
            (3, -1)
        """
        return UNKNOWN if self._size is None else self._size

    def as_numpy_iterator(self) -> Iterator[Any]:
        """Returns an iterator of the elements as NumPy arrays.

        Example:
            >>> from amalthea.data import Dataset
            >>> [int(x) for x in Dataset.range(2).as_numpy_iterator()]
            [0, 1]
        """
        return (tree.map_structure(_as_numpy, element) for element in self)

    def _then(self, items: Items, size: int | None, batch_size: int | None = None) -> Dataset:
        """The next data set of the pipeline, with the facts that a person asks for."""
        made = Dataset(items, size)
        made._batch_size = batch_size
        for name in ("class_names", "file_paths"):
            if name in vars(self):
                setattr(made, name, getattr(self, name))
        return made

    # --------------------------------------------------------------------------------------------- transforms

    def map(self, map_func: Callable[..., Any], num_parallel_calls: int | None = None, **kwargs: Any) -> Dataset:
        """Applies a function to each element.

        Args:
            map_func: function of an element; of its parts, if it is a tuple.
            num_parallel_calls: int; number of threads that apply it ahead, in order; -1 takes four. Defaults to None,
                which applies it when the element is needed.
            **kwargs: ``deterministic`` and ``name`` of ``tf.data``, not needed here.

        Example:
            >>> from amalthea.data import Dataset
            >>> list(Dataset.from_source([(1, 2), (3, 4)]).map(lambda a, b: a + b))
            [3, 7]
        """
        _check_options("map", kwargs)
        _callable(map_func, "map_func", "map")
        call = partial(_applied, map_func)
        if num_parallel_calls is None:
            return self._then(partial(_mapped, self._items, call), self._size, self._batch_size)
        workers = 4 if num_parallel_calls == -1 else positive_int(num_parallel_calls, "num_parallel_calls", "map")
        return self._then(partial(_mapped_ahead, self._items, call, workers), self._size, self._batch_size)

    def filter(self, predicate: Callable[..., Any]) -> Dataset:
        """Keeps the elements for which a function returns True.

        Args:
            predicate: function of an element; of its parts, if it is a tuple.

        Example:
            >>> from amalthea.data import Dataset
            >>> [int(i) for i in Dataset.range(5).filter(lambda i: i % 2)]
            [1, 3]
        """
        _callable(predicate, "predicate", "filter")
        return self._then(partial(_filtered, self._items, partial(_applied, predicate)), None, self._batch_size)

    def batch(self, batch_size: int, drop_remainder: bool = False, **kwargs: Any) -> Dataset:
        """Stacks elements to batches.

        Args:
            batch_size: int; elements in a batch.
            drop_remainder: bool; whether a last batch with fewer elements is left out. Defaults to False.
            **kwargs: ``num_parallel_calls`` and other options of ``tf.data``, not needed here.

        Shapes: elements (...) -> (batch_size, ...)

        Raises:
            ArgumentError: the elements of a batch have different shapes.

        Example:
            >>> from amalthea.data import Dataset
            >>> [b.tolist() for b in Dataset.range(5).batch(2, drop_remainder=True)]
            [[0, 1], [2, 3]]
        """
        _check_options("batch", kwargs)
        positive_int(batch_size, "batch_size", "batch")
        size = self._size
        if size is not None and size != INFINITE:
            size = size // batch_size if drop_remainder else math.ceil(size / batch_size)
        return self._then(partial(_batched, self._items, batch_size, drop_remainder), size, batch_size)

    def unbatch(self) -> Dataset:
        """Splits each batch into its rows.

        Shapes: elements (rows, ...) -> (...)

        Example:
            >>> from amalthea.data import Dataset
            >>> [int(i) for i in Dataset.range(3).batch(2).unbatch()]
            [0, 1, 2]
        """
        return self._then(partial(_unbatched, self._items), INFINITE if self._size == INFINITE else None)

    def shuffle(
        self, buffer_size: int | None, seed: int | None = None, reshuffle_each_iteration: bool = True
    ) -> Dataset:
        """Gives the elements in random order.

        Args:
            buffer_size: int or None; number of elements from which the next is drawn; None takes all.
            seed: int; the same seed gives the same orders. Defaults to None, which draws one from the stream that
                ``set_random_seed`` starts.
            reshuffle_each_iteration: bool; whether each pass has an order of its own. Defaults to True.

        Example:
            >>> from amalthea.data import Dataset
            >>> dataset = Dataset.range(6).shuffle(6, seed=1)
            >>> first, second = ([int(i) for i in dataset] for _ in range(2))
            >>> first == second, sorted(first) == sorted(second)
            (False, True)
        """
        optional(positive_int)(buffer_size, "buffer_size", "shuffle")
        optional(integer)(seed, "seed", "shuffle")
        seed = random.make_default_seed() if seed is None else seed
        return self._then(
            partial(_shuffled, self, buffer_size, seed, reshuffle_each_iteration), self._size, self._batch_size
        )

    def prefetch(self, buffer_size: int | None = None, **kwargs: Any) -> Dataset:
        """Makes elements ahead of their turn, in a thread.

        Args:
            buffer_size: int; number of elements that are made ahead; -1 and None take two.
            **kwargs: ``name`` of ``tf.data``, not needed here.

        Example:
            >>> from amalthea.data import Dataset
            >>> [int(i) for i in Dataset.range(3).prefetch(1)]
            [0, 1, 2]
        """
        _check_options("prefetch", kwargs)
        most = 2 if buffer_size in (None, -1) else non_negative_int(buffer_size, "buffer_size", "prefetch")
        return self._then(partial(_prefetched, self._items, most), self._size, self._batch_size) if most else self

    def take(self, count: int) -> Dataset:
        """Keeps the first elements.

        Args:
            count: int; number of elements; -1 keeps all.

        Example:
            >>> from amalthea.data import Dataset
            >>> [int(i) for i in Dataset.range(5).take(2)]
            [0, 1]
        """
        if count == -1:
            return self
        non_negative_int(count, "count", "take")
        size = self._size if self._size is None else count if self._size == INFINITE else min(count, self._size)
        return self._then(partial(_part, self._items, 0, count), size, self._batch_size)

    def skip(self, count: int) -> Dataset:
        """Leaves out the first elements.

        Args:
            count: int; number of elements.

        Example:
            >>> from amalthea.data import Dataset
            >>> [int(i) for i in Dataset.range(5).skip(3)]
            [3, 4]
        """
        non_negative_int(count, "count", "skip")
        size = self._size if self._size in (None, INFINITE) else max(len(self) - count, 0)
        return self._then(partial(_part, self._items, count, None), size, self._batch_size)

    def repeat(self, count: int | None = None) -> Dataset:
        """Begins the elements again after the last.

        Args:
            count: int; number of passes; None and -1 go on without an end. Defaults to None.

        Example:
            >>> from amalthea.data import Dataset
            >>> [int(i) for i in Dataset.range(2).repeat(2)]
            [0, 1, 0, 1]
        """
        endless = count in (None, -1)
        passes = None if endless else non_negative_int(count, "count", "repeat")
        size = INFINITE if endless else None if self._size in (None, INFINITE) else len(self) * (passes or 0)
        return self._then(partial(_repeated, self._items, passes), size, self._batch_size)

    def cache(self, filename: str = "") -> Dataset:
        """Keeps the elements of the first whole pass in memory.

        Args:
            filename: str; must be empty: elements are not written to files.

        Raises:
            ArgumentError: a file's name is given.

        Example:
            >>> from amalthea.data import Dataset
            >>> dataset = Dataset.range(2).cache()
            >>> [int(i) for i in dataset], [int(i) for i in dataset]
            ([0, 1], [0, 1])
        """
        if filename:
            raise ArgumentError("Elements are kept in memory alone.", got=repr(filename), cure="cache()")
        return self._then(Cached(self._items), self._size, self._batch_size)

    def concatenate(self, dataset: Dataset) -> Dataset:
        """Goes on with the elements of another data set.

        Args:
            dataset: Dataset.

        Example:
            >>> from amalthea.data import Dataset
            >>> [int(i) for i in Dataset.range(2).concatenate(Dataset.range(1))]
            [0, 1, 0]
        """
        if not isinstance(dataset, Dataset):
            raise ArgumentError("Only a Dataset can follow one.", got=brief(dataset), cure="Dataset.from_source(x)")
        sizes = (self._size, dataset._size)
        size = INFINITE if INFINITE in sizes else None if None in sizes else len(self) + len(dataset)
        return self._then(partial(_chained, (self._items, dataset._items)), size)

    def enumerate(self, start: int = 0) -> Dataset:
        """Counts the elements: ``(number, element)``.

        Args:
            start: int; first number. Defaults to 0.

        Example:
            >>> from amalthea.data import Dataset
            >>> list(Dataset.from_source("ab").enumerate(1))
            [(1, 'a'), (2, 'b')]
        """
        return self._then(partial(_counted, self._items, integer(start, "start", "enumerate")), self._size)

    def __repr__(self) -> str:
        size = {None: "unknown", INFINITE: "infinite"}.get(self._size, self._size)
        return f"<Dataset of {size} elements>"


class Rows:
    """The rows of arrays, as a source.

    Args:
        tensors: arrays in any nesting.
    """

    def __init__(self, tensors: Any):
        nest = Nest(tensors, "x", lambda leaf, name: np.asarray(_as_numpy(leaf)))
        self.arrays = nest.packed()
        counts = {len(leaf) if leaf.ndim else None for leaf in nest.leaves}
        if len(counts) != 1 or None in counts:
            shapes = ", ".join(f"{name}: {leaf.shape}" for name, leaf in nest)
            raise ArgumentError("The arrays have different numbers of rows.", expected="as many in each", got=shapes)
        self.count = counts.pop() or 0

    def __len__(self) -> int:
        return self.count

    def __getitem__(self, index: int) -> Any:
        if not -self.count <= index < self.count:
            raise IndexError(index)
        return tree.map_structure(lambda leaf: None if leaf is None else leaf[index], self.arrays)


class Cached:
    """Elements that are kept after the first whole pass."""

    def __init__(self, items: Items):
        self.items = items
        self.kept: list[Any] | None = None

    def __call__(self, epoch: int) -> Iterator[Any]:
        return iter(self.kept) if self.kept is not None else self._first(epoch)

    def _first(self, epoch: int) -> Iterator[Any]:
        found = []
        for element in self.items(epoch):
            found.append(element)
            yield element
        self.kept = found


_NOT_NEEDED = {"name", "deterministic", "num_parallel_calls", "output_signature", "output_types", "output_shapes"}


def _check_options(owner: str, given: dict[str, Any]) -> None:
    """:class:`ArgumentError` for an option that is not one of ``tf.data``, such as a misspelt one."""
    for name in given:
        if name not in _NOT_NEEDED:
            raise ArgumentError(f"{owner} of a Dataset has no argument {name!r}.", got=name)


def _callable(function: Any, name: str, owner: str) -> None:
    if not callable(function):
        raise ArgumentError(f"`{name}` of {owner} is a function.", got=brief(function), cure=f"{owner}(lambda x: x)")


def _as_numpy(value: Any) -> Any:
    if value is None or isinstance(value, (str, bytes, np.ndarray, np.generic)):
        return value
    return (
        text.as_text(value) if text.is_text(value) else np.asarray(on_host(value) if _is_of_backend(value) else value)
    )


def _is_of_backend(value: Any) -> bool:
    return hasattr(value, "shape") and hasattr(value, "dtype")


# ------------------------------------------------------------------------------------------- the elements of a pass


def _of_source(source: Any, epoch: int) -> Iterator[Any]:
    return (source[i] for i in range(len(source)))


def _applied(function: Callable[..., Any], element: Any) -> Any:
    return function(*element) if isinstance(element, tuple) else function(element)


def _mapped(items: Items, call: Callable[[Any], Any], epoch: int) -> Iterator[Any]:
    return map(call, items(epoch))


def _mapped_ahead(items: Items, call: Callable[[Any], Any], workers: int, epoch: int) -> Iterator[Any]:
    return ahead(call, items(epoch), workers, 2 * workers)


def _filtered(items: Items, keep: Callable[[Any], Any], epoch: int) -> Iterator[Any]:
    return filter(keep, items(epoch))


def _batched(items: Items, size: int, drop: bool, epoch: int) -> Iterator[Any]:
    elements = items(epoch)
    while rows := list(islice(elements, size)):
        if len(rows) == size or not drop:
            yield tree.map_structure(_stacked, *rows) if len(rows) > 1 else tree.map_structure(_stacked, rows[0])


def _stacked(*rows: Any) -> Any:
    if rows[0] is None:
        return None
    arrays = [np.asarray(_as_numpy(row)) for row in rows]
    if arrays[0].dtype.kind in "UO":
        arrays = [array.astype(object) for array in arrays]
    shapes = {array.shape for array in arrays}
    if len(shapes) > 1:
        raise ArgumentError(
            "Elements of different shapes cannot be one batch.",
            expected="one shape",
            got=", ".join(map(str, sorted(shapes)[:4])),
            cure="map(...) to one shape before batch(...)",
        )
    return np.stack(arrays)


def _unbatched(items: Items, epoch: int) -> Iterator[Any]:
    for batch in items(epoch):
        leaves = [leaf for leaf in tree.flatten(batch) if leaf is not None]
        for i in range(len(leaves[0]) if leaves else 0):
            yield tree.map_structure(lambda leaf, i=i: None if leaf is None else leaf[i], batch)


def _shuffled(dataset: Dataset, buffer: int | None, seed: int, again: bool, epoch: int) -> Iterator[Any]:
    generator = np.random.Generator(np.random.Philox(key=np.array([seed % (1 << 64), epoch if again else 0], "uint64")))
    element, size = dataset._element, dataset._size
    if element is not None and size is not None and (buffer is None or buffer >= size):
        return map(element, map(int, generator.permutation(size)))
    return _drawn(dataset._items(epoch), buffer, generator)


def _drawn(elements: Iterator[Any], buffer: int | None, generator: np.random.Generator) -> Iterator[Any]:
    waiting = list(islice(elements, buffer))
    for element in elements:
        i = int(generator.integers(len(waiting)))
        yield waiting[i]
        waiting[i] = element
    for i in generator.permutation(len(waiting)):
        yield waiting[i]


def _prefetched(items: Items, most: int, epoch: int) -> Iterator[Any]:
    return ahead_of_one(items(epoch), most)


def _part(items: Items, start: int, stop: int | None, epoch: int) -> Iterator[Any]:
    return islice(items(epoch), start, stop)


def _repeated(items: Items, passes: int | None, epoch: int) -> Iterator[Any]:
    done = 0
    while passes is None or done < passes:
        empty = True
        for element in items(epoch * (passes or 1) + done):
            empty = False
            yield element
        if empty:
            return
        done += 1


def _chained(parts: tuple[Items, ...], epoch: int) -> Iterator[Any]:
    return chain.from_iterable(items(epoch) for items in parts)


def _counted(items: Items, start: int, epoch: int) -> Iterator[Any]:
    return enumerate(items(epoch), start)
