"""Executes exported files in a runtime, without Amalthea: ``python run.py RUNTIME FOLDER...``.

A folder has a file or folder ``model.*`` and the inputs ``in.npz``, by name. It gets the outputs, ``out.npz``, or the
reason why there are none, ``error.txt``.
"""

import glob
import os
import sys

import numpy as np

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")


def onnxruntime(path, feeds):
    import onnxruntime

    session = onnxruntime.InferenceSession(path, providers=["CPUExecutionProvider"])
    names = [x.name for x in session.get_outputs()]
    return dict(zip(names, session.run(names, feeds)))


def onnx_reference(path, feeds):
    from onnx.reference import ReferenceEvaluator

    evaluator = ReferenceEvaluator(path)
    return dict(zip(evaluator.output_names, evaluator.run(None, feeds)))


def litert(path, feeds):
    from ai_edge_litert.interpreter import Interpreter

    return by_signature(Interpreter(model_path=path, num_threads=1), feeds)


def litert_compiled(path, feeds):
    """LiteRT's newer API, which takes buffers in the order of the signature."""
    from ai_edge_litert.compiled_model import CompiledModel

    compiled = CompiledModel.from_file(path)
    about = compiled.get_signature_list()["serve"]
    inputs, outputs = compiled.create_input_buffers(0), compiled.create_output_buffers(0)
    for name, buffer in zip(about["inputs"], inputs):
        buffer.write(feeds[name])
    compiled.run_by_index(0, inputs, outputs)
    found = compiled.get_output_tensor_details("serve")
    read = {name: (found[name]["shape"], np.dtype(found[name]["dtype"])) for name in about["outputs"]}
    return {
        name: buffer.read(int(np.prod(shape)), dtype.type).reshape(shape)
        for buffer, (name, (shape, dtype)) in zip(outputs, read.items())
    }


def tf_lite(path, feeds):
    import warnings

    import tensorflow as tf

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return by_signature(tf.lite.Interpreter(model_path=path, num_threads=1), feeds)


def by_signature(interpreter, feeds):
    return interpreter.get_signature_runner("serve")(**feeds)


def tflite_micro(path, feeds):
    from tflite_micro.python.tflite_micro import runtime

    with open(path, "rb") as file:
        data = file.read()
    model = runtime.convert_bytearray_to_object(bytearray(data))
    signature, graph = model.signatureDefs[0], model.subgraphs[0]
    names = {entry.tensorIndex: entry.name.decode() for entry in (*signature.inputs, *signature.outputs)}
    interpreter = runtime.Interpreter.from_bytes(data, arena_size=16 << 20)
    for i, tensor in enumerate(graph.inputs):
        interpreter.set_input(feeds[names[tensor]], i)
    interpreter.invoke()
    return {names[tensor]: interpreter.get_output(i) for i, tensor in enumerate(graph.outputs)}


def openvino(path, feeds):
    import openvino

    settings = {"INFERENCE_PRECISION_HINT": "f32", "EXECUTION_MODE_HINT": "ACCURACY"}
    compiled = openvino.Core().compile_model(path, "CPU", settings)
    inputs = {port: array for port in compiled.inputs for name, array in feeds.items() if said(port, name)}
    got = compiled(inputs)
    return {min(port.get_names(), key=len): np.array(got[port]) for port in compiled.outputs}


def said(port, name):
    """Whether a port has a name, which a frontend writes with the signature's before it or a number behind."""
    return any(name == n or n.split(":")[0] in (name, f"serving_default_{name}") for n in port.get_names())


def tensorflow(path, feeds):
    import tensorflow as tf

    run = tf.saved_model.load(path).signatures["serving_default"]
    return {name: x.numpy() for name, x in run(**{k: tf.constant(v) for k, v in feeds.items()}).items()}


def execute(runtime, folder):
    (path,) = glob.glob(os.path.join(folder, "model*"))
    with np.load(os.path.join(folder, "in.npz")) as feeds:
        found = globals()[runtime](path, dict(feeds))
    np.savez(os.path.join(folder, "out.npz"), **{name: np.asarray(x) for name, x in found.items()})


def main(runtime, folders):
    for folder in folders:
        log = os.path.join(folder, "error.txt")
        with open(log, "w") as file:
            kept = os.dup(2)
            os.dup2(file.fileno(), 2)  # a runtime in C++ prints its reason
            try:
                execute(runtime, folder)
            except Exception as error:
                print(f"{type(error).__name__}: {error}", file=sys.stderr, flush=True)
            finally:
                os.dup2(kept, 2)
                os.close(kept)
        if os.path.exists(os.path.join(folder, "out.npz")):
            os.remove(log)
    assert not any(name.split(".")[0] == "amalthea" for name in sys.modules)


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2:])
