"""Machine code for an update program, if ``llvmlite`` is installed.

NumPy makes one pass over the cache per instruction, with the vector width that it was compiled for. LLVM makes one loop
of all instructions, with the vector width of this processor. Each operation is rounded as NumPy's, and no operations
are fused or reordered, so results are bit-identical.
"""

from __future__ import annotations

import ctypes
import functools
from collections.abc import Callable, Iterator, Sequence
from importlib import metadata
from itertools import count
from typing import Any

import numpy as np

Operand = tuple[str, Any]

LLVM_INSTRUCTIONS = {  # ufunc: LLVM code; {0} and {1} are the operands
    "add": "{out} = fadd {type} {0}, {1}",
    "subtract": "{out} = fsub {type} {0}, {1}",
    "multiply": "{out} = fmul {type} {0}, {1}",
    "divide": "{out} = fdiv {type} {0}, {1}",
    "maximum": "{out} = call {type} @llvm.maximum({type} {0}, {type} {1})",
    "minimum": "{out} = call {type} @llvm.minimum({type} {0}, {type} {1})",
    "negative": "{out} = fneg {type} {0}",
    "absolute": "{out} = call {type} @llvm.fabs({type} {0})",
    "sign": """{out}.one = call {type} @llvm.copysign({type} 1.0, {type} {0})
  {out}.is = fcmp one {type} {0}, 0.0
  {out} = select i1 {out}.is, {type} {out}.one, {type} {0}""",
    "square": "{out} = fmul {type} {0}, {0}",
    "sqrt": "{out} = call {type} @llvm.sqrt({type} {0})",
}
_TYPES = {"float32": "float", "float64": "double"}
_FUNCTION = """define void @{{name}}({arguments}) {{{{
before:
  {factors}
  br label %loop
loop:
  %i = phi i64 [0, %before], [%next, %loop]
  {addresses}
  {loads}
  {instructions}
  {stores}
  %next = add nuw i64 %i, 1
  %more = icmp ult i64 %next, %size
  br i1 %more, label %loop, label %after
after:
  ret void
}}}}
"""
_names = (f"update{number}" for number in count())


@functools.cache
def is_available() -> bool:
    """True if an ``llvmlite`` of a supported version is installed."""
    try:
        return tuple(map(int, metadata.version("llvmlite").split(".")[:2])) >= (0, 45)
    except (metadata.PackageNotFoundError, ValueError):
        return False


def compile_instructions(
    instructions: Sequence[tuple[Any, ...]], results: Sequence[Operand], dtype: str
) -> Callable[..., None]:
    """Compile a :class:`~.program.Program` to a function ``(size, *addresses)``, for a size above 0.

    The addresses are those of the variables, the given arrays and the factors, in this order.
    """
    return _compile(*_llvm_source(instructions, results, dtype))


def _llvm_source(instructions: Sequence[tuple[Any, ...]], results: Sequence[Operand], dtype: str) -> tuple[str, int]:
    """Return the LLVM source, without the function's name, and the number of addresses."""
    type = _TYPES[dtype]
    met = {
        *results,
        *(x for _, *operands in instructions for x in operands),
        *(("variable", i) for i in range(len(results))),
    }
    wide, single = (
        [_named(x, dtype) for x in _of_kinds(met, *kinds)] for kinds in (("variable", "given"), ("factor",))
    )
    rows = {
        "arguments": ["i64 %size", *(f"ptr noalias {x}.start" for x in (*wide, *single))],
        "factors": [f"{x} = load {type}, ptr {x}.start" for x in single],
        "addresses": [f"{x}.at = getelementptr {type}, ptr {x}.start, i64 %i" for x in wide],
        "loads": [f"{x} = load {type}, ptr {x}.at" for x in wide],
        "instructions": [
            LLVM_INSTRUCTIONS[ufunc].format(*(_named(x, dtype) for x in operands), out=f"%temp{i}", type=type)
            for i, (ufunc, *operands) in enumerate(instructions)
        ],
        "stores": [f"store {type} {_named(x, dtype)}, ptr %variable{i}.at" for i, x in enumerate(results)],
    }
    text = {key: (", " if key == "arguments" else "\n  ").join(value) for key, value in rows.items()}
    return _FUNCTION.format(**text), len(wide) + len(single)


def _of_kinds(operands: set[Operand], *kinds: str) -> Iterator[Operand]:
    return (x for kind in kinds for x in sorted(operands) if x[0] == kind)


def _named(operand: Operand, dtype: str) -> str:
    kind, x = operand
    if kind != "number":
        return f"%{kind}{x}"
    # LLVM writes a float32 constant with the bits of a double.
    return f"0x{np.float64(np.dtype(dtype).type(x)).view('uint64'):016X}"


@functools.cache
def _compile(text: str, addresses: int) -> Callable[..., None]:
    from llvmlite import binding

    engine, machine = _engine()
    name = next(_names)
    module = binding.parse_assembly(text.format(name=name))
    options = binding.create_pipeline_tuning_options(speed_level=3)
    options.loop_vectorization = True
    passes = binding.create_pass_builder(machine, options)
    passes.getModulePassManager().run(module, passes)
    engine.add_module(module)
    engine.finalize_object()
    return ctypes.CFUNCTYPE(None, ctypes.c_int64, *[ctypes.c_void_p] * addresses)(engine.get_function_address(name))


@functools.cache
def _engine() -> Any:
    from llvmlite import binding

    binding.initialize_native_target()
    binding.initialize_native_asmprinter()
    features = binding.get_host_cpu_features().flatten()
    machine = binding.Target.from_default_triple().create_target_machine(binding.get_host_cpu_name(), features, opt=3)
    return binding.create_mcjit_compiler(binding.parse_assembly(""), machine), machine
