"""Comparison of a backend with NumPy in float64: agreement, errors, gaps and tolerances."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from itertools import groupby
from typing import Any

import numpy as np

from amalthea.engine import backends, dtypes
from amalthea.engine.backends import Backend
from amalthea.engine.ir.graph import Graph
from amalthea.engine.passes.expand import expand
from amalthea.engine.passes.rewrite import all_nodes
from amalthea.engine.passes.simplify import simplify
from amalthea.engine.primitives import TABLE, Sample
from amalthea.testing.primitives import TOLERANCE
from amalthea.testing.programs import FLOATS, WHOLE, Case, in_dtypes, programs

COLUMNS = (*FLOATS, WHOLE)


@dataclass(frozen=True)
class Finding:
    """The result of one case: its error, or the reason why it did not run.

    Args:
        case: Case; the computation.
        way: "compiled" or "eager".
        error: float; the largest difference, relative to the expected value, or to 1 if that is smaller.
        tolerance: float; the largest permitted error.
        problem: str; the exception, or the fault of the outputs; empty if there is an error to compare.
        gaps: the declared gaps that the case uses.
    """

    case: Case
    way: str
    error: float
    tolerance: float
    problem: str
    gaps: tuple[str, ...]

    @property
    def agrees(self) -> bool:
        return not self.problem and self.error <= self.tolerance

    def __str__(self) -> str:
        said = self.problem or f"off by {self.error:.2g}, not within {self.tolerance:.2g}"
        return f"{self.case}, {self.way}: {said}"


@dataclass
class Report:
    """The facts about a backend; ``str(report)`` is a table.

    Args:
        backend: its name.
        native: the primitives with a lowering.
        decomposed: the primitives that are expanded into others.
        missing: the primitives that it cannot compute.
        on_host: the primitives that run as NumPy references between sessions of the library.
        gaps: the declared gaps, each with the reason.
        tolerances: the declared tolerances, each with the largest relative error and the reason.
        findings: one per case that was run.
    """

    backend: str
    native: list[str]
    decomposed: list[str]
    missing: list[str]
    gaps: Mapping[str, str]
    tolerances: Mapping[str, tuple[float, str]]
    findings: list[Finding] = field(default_factory=list)
    on_host: list[str] = field(default_factory=list)

    def worst(self, dtype: str) -> Finding | None:
        """Return the finding of a dtype with the largest error, among those that agree."""
        found = [f for f in self.findings if f.case.dtype == dtype and f.agrees]
        return max(found, key=lambda f: f.error, default=None)

    def failures(self) -> list[str]:
        """Return everything that is wrong, one sentence each."""
        wrong = [str(f) for f in self.findings if not f.agrees and not f.gaps]
        silent = [
            f"{name}: missing, without a gap that gives the reason" for name in self.missing if name not in self.gaps
        ]
        return wrong + silent + [f"the gap '{key}' is stale: it works" for key in self._stale()]

    def _stale(self) -> Iterator[str]:
        """Iterate over gaps for which some dtype (or the one named) works in every sample."""
        for key in self.gaps:
            direct = [f for f in self.findings if key in f.gaps and f.case.program.primitive == key.split()[0]]
            direct = [f for f in direct if f.way == "compiled" and f.case.program.what.startswith("value")]
            by_dtype: dict[str, list[bool]] = {}
            for found in direct:
                by_dtype.setdefault(found.case.dtype, []).append(found.agrees)
            if any(map(all, by_dtype.values())):
                yield key

    def __str__(self) -> str:
        counts = f"{len(self.native)} native, {len(self.decomposed)} decomposed, {len(self.missing)} missing"
        counts += f", {len(self.on_host)} on the host" if self.on_host else ""
        lines = [f"{self.backend}: {counts}; {len(self.findings)} results", ""]
        for dtype in COLUMNS:
            worst = self.worst(dtype)
            if worst is not None:
                lines.append(f"  {dtype:<9} {worst.error:8.1e}  ({worst.case.program.primitive}, {worst.way})")
        lines += [f"  gap        {key}: {why}" for key, why in self.gaps.items()]
        lines += [f"  tolerance  {key}: {bound:g}, {why}" for key, (bound, why) in self.tolerances.items()]
        return "\n".join(lines)


def check_backend(backend: str | Backend, quick: bool = False) -> Report:
    """Compare a backend with NumPy in float64: every primitive, its gradient, loops and branches, compiled and eager.

    Values are computed in float64, float32, bfloat16 and float16, gradients in float64 and float32; integers in their
    own dtype. The expected values are those of the primitives' references in float64, on the same (rounded) inputs. The
    gradient rules themselves are tested by :func:`check_gradient`.

    Args:
        backend: str or Backend; a name, or an object that need not be registered.
        quick: bool; True checks compiled values in float32 only. Defaults to False.

    Returns:
        Report.

    Raises:
        AssertionError: results disagree without a declared gap, or a declared gap works. It lists all of them.

    Example:
        >>> from amalthea import testing
        >>> report = testing.check_backend("numpy", quick=True)
        >>> report.missing, report.gaps == {}
        ([], True)
        >>> report.worst("float32").error < 2e-5
        True
    """
    report = examine_backend(backend, quick)
    failures = report.failures()
    assert not failures, "\n  ".join([f"{len(failures)} things are wrong with '{report.backend}':", *failures])
    return report


def examine_backend(backend: str | Backend, quick: bool = False) -> Report:
    """Return the report of :func:`check_backend`, without raising an error."""
    backend = backends.load(backend) if isinstance(backend, str) else backend
    report = counted(backend)
    with _in_use(backend):
        for _, group in groupby(_cases(quick), key=lambda case: case.program.primitive):
            own = [(case, _nodes(case.graph, backend)) for case in group]
            report.findings += _compiled(backend, own)
            if not quick:
                report.findings += _eager(backend, own)
    return report


def _in_use(backend: Backend) -> AbstractContextManager[Any]:
    """Use the backend while graphs are traced, or NumPy if the backend is not registered."""
    return backends.use_backend(backend.name if backend.name in backends.KNOWN else "numpy")


def counted(backend: str | Backend) -> Report:
    """Return the report without findings: the numbers from the tables; no case is run."""
    backend = backends.load(backend) if isinstance(backend, str) else backend
    native = [name for name, primitive in TABLE.items() if primitive in backend.lowerings and name not in backend.gaps]
    with _in_use(backend):
        lacking = {case.program.primitive for case in _cases(quick=True) if _lacks(case, backend)}
    rest = [name for name in TABLE if name not in native]
    on_host = [name for name in rest if backend.has_segments and name in lacking | {"native_call"}]
    lacking = lacking - set(on_host) | backend.gaps.keys()
    rest = [name for name in rest if name not in on_host]
    return Report(
        backend.name,
        native,
        [name for name in rest if name not in lacking],
        [name for name in rest if name in lacking],
        backend.gaps,
        {key: _bound(value) for key, value in backend.tolerances.items()},
        on_host=on_host,
    )


def _bound(value: Any) -> tuple[float, str]:
    return value if isinstance(value, tuple) else (value, "")


def _lacks(case: Case, backend: Backend) -> bool:
    """True if a primitive remains that has neither a lowering nor a decomposition."""
    rest = all_nodes(expand(simplify(case.graph), backend.lowerings))
    return case.program.primitive not in backend.gaps and any(n.primitive not in backend.lowerings for n in rest)


def _cases(quick: bool) -> Iterator[Case]:
    for program in programs():
        is_value = program.what.startswith("value")
        if is_value or not quick:
            yield from in_dtypes(program, ("float32",) if quick else FLOATS if is_value else FLOATS[:2])


# ------------------------------------------------------------------------------------------------ running


def _nodes(graph: Graph, backend: Backend) -> set[str]:
    """Return the primitives that a case uses, alone and with each dtype: the keys of gaps and tolerances."""
    met = set()
    for node in [*all_nodes(graph), *all_nodes(expand(simplify(graph), backend.lowerings))]:
        name = node.primitive.name
        met.update([name, *(f"{name} {x.dtype}" for x in (*node.inputs, *node.outputs))])
    return met


def _compiled(backend: Backend, own: Sequence[tuple[Case, set[str]]]) -> Iterator[Finding]:
    """Run cases without gaps as one graph, and cases with gaps one by one."""
    whole = [(case, met) for case, met in own if not met & backend.gaps.keys()]
    apart = [[pair] for pair in own if pair not in whole]
    for group in ([whole] if whole else []) + apart:
        for (case, met), outputs in zip(group, _together(backend, [case for case, _ in group])):
            yield _judged(backend, case, met, "compiled", outputs)


def _together(backend: Backend, cases: Sequence[Case]) -> list[Any]:
    """Return the outputs of each case, or its exception. All cases are one graph, which is halved if it fails."""
    graphs = [case.graph for case in cases]
    joined = Graph(
        [x for g in graphs for x in g.inputs],
        [x for g in graphs for x in g.outputs],
        nodes=[node for g in graphs for node in g.nodes],
    )
    try:
        values = [backend.array(x, dtypes.standardize(x.dtype)) for case in cases for x in case.inputs]
        results = iter([backend.to_numpy(x) for x in backend.compile(joined)(values)])
    except Exception as error:
        half = len(cases) // 2
        return _together(backend, cases[:half]) + _together(backend, cases[half:]) if half else [error]
    return [[next(results) for _ in g.outputs] for g in graphs]


def _eager(backend: Backend, own: Sequence[tuple[Case, set[str]]]) -> Iterator[Finding]:
    """Run single primitives in float32 and integers; loops and branches are always compiled."""
    for case, met in own:
        sample = _as_called(case)
        if sample is not None:
            try:
                primitive = TABLE[case.program.primitive]
                inputs = [backend.array(x, dtypes.standardize(x.dtype)) for x in sample.inputs]
                made = backend.execute(primitive, inputs, sample.attrs)
                outputs: Any = [backend.to_numpy(x) for x in ([made] if primitive.single else made)]
            except Exception as error:
                outputs = error
            yield _judged(backend, case, met, "eager", outputs)


def _as_called(case: Case) -> Sample | None:
    primitive, nodes = TABLE[case.program.primitive], case.graph.nodes
    plain = case.program.function is primitive and len(nodes) == 1 and case.dtype in ("float32", WHOLE)
    return Sample(case.inputs, nodes[0].attrs) if plain else None


# ------------------------------------------------------------------------------------------------ judging


def _judged(backend: Backend, case: Case, met: set[str], way: str, outputs: Any) -> Finding:
    gaps = tuple(key for key in backend.gaps if key in met)
    error, problem = np.inf, ""
    if isinstance(outputs, Exception):
        problem = f"{type(outputs).__name__}: {(str(outputs).strip() or '-').splitlines()[0][:160]}"
    else:
        types = [x.type for x in case.graph.outputs]
        problem = next((f"{d}[{s}], not {t}" for t, d, s in _unlike(types, outputs)), "")
        if not problem and case.program.draws:
            problem, error = _draw_problem(case, outputs), 0.0
        elif not problem:
            error = max(map(difference, outputs, case.wanted), default=0.0)
    return Finding(case, way, error, _tolerance(backend, case, met), problem, gaps)


def _unlike(types: Sequence[Any], outputs: Sequence[np.ndarray]) -> Iterator[Any]:
    for t, x in zip(types, outputs):
        found = dtypes.standardize(x.dtype)
        if (t.shape, t.dtype) != (x.shape, found):
            yield t, found, ", ".join(map(str, x.shape))


def difference(got: np.ndarray, want: np.ndarray) -> float:
    """Return the largest difference, relative to the expected value, or to 1 if that is smaller.

    Integers must be equal.
    """
    name = dtypes.standardize(got.dtype)
    if not dtypes.is_differentiable(name):
        return 0.0 if np.array_equal(got, want) else np.inf
    wide = "complex128" if dtypes.is_complex(name) else "float64"
    got, want = got.astype(wide), want.astype(wide)
    with np.errstate(all="ignore"):
        off = np.abs(got - want) / np.maximum(1, np.abs(want))
    same = (got == want) | (np.isnan(got) & np.isnan(want))
    return float(np.max(np.where(same, 0, np.where(np.isnan(off), np.inf, off)), initial=0))


def _draw_problem(case: Case, drawn: Sequence[np.ndarray]) -> str:
    """Return a fault of random numbers beyond 6 standard errors: mean, deviation, range, correlation.

    Or an empty string.
    """
    is_uniform = case.program.primitive == "random_uniform"
    mean, deviation = (0.5, 12**-0.5) if is_uniform else (0.0, 1.0)
    for i, x in enumerate([x.astype("float64").ravel() for x in drawn]):
        slack = 6 / np.sqrt(x.size)
        if max(abs(x.mean() - mean), abs(x.std() - deviation)) > deviation * slack:
            return f"mean {x.mean():.3f} and deviation {x.std():.3f}, not {mean:.3f} and {deviation:.3f}"
        if is_uniform and (x.min() < 0 or x.max() >= 1):
            return "numbers outside of [0, 1)"
        if any(abs(np.corrcoef(x, y.astype("float64").ravel())[0, 1]) > slack for y in drawn[:i]):
            return "the numbers of two keys depend on each other"
    return ""


def _tolerance(backend: Backend, case: Case, met: set[str]) -> float:
    """Return the default of the dtype, or the largest tolerance declared for what the case uses."""
    if case.dtype == WHOLE:
        return TOLERANCE["float32"]
    claimed = [_bound(v)[0] for k, v in backend.tolerances.items() if k == case.dtype or (k in met and case.dtype in k)]
    return max([TOLERANCE[case.dtype], *claimed])
