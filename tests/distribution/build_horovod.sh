#!/bin/sh
# Builds Horovod 0.28.1 for the PyTorch of a Python: sh tests/distribution/build_horovod.sh PYTHON
# Needs cmake, a C++17 compiler, and about four minutes of two cores. Its own build asks for C++14, PyTorch for C++17.
set -e
PYTHON=$(command -v "$1")
FOLDER=$(mktemp -d)
trap 'rm -rf "$FOLDER"' EXIT
"$PYTHON" -m pip install -q "setuptools<75" wheel packaging cffi pyyaml psutil cloudpickle
"$PYTHON" -m pip download -q --no-deps --no-binary :all: --no-build-isolation -d "$FOLDER" horovod==0.28.1
tar xzf "$FOLDER"/horovod-0.28.1.tar.gz -C "$FOLDER"
cd "$FOLDER"/horovod-0.28.1
sed -i 's/set(CMAKE_CXX_STANDARD 14)/set(CMAKE_CXX_STANDARD 17)/' CMakeLists.txt horovod/torch/CMakeLists.txt
sed -i 's/-std=c++11 -fPIC/-std=c++17 -fPIC/' third_party/gloo/CMakeLists.txt
HOROVOD_WITH_PYTORCH=1 HOROVOD_WITHOUT_TENSORFLOW=1 HOROVOD_WITHOUT_MXNET=1 HOROVOD_WITHOUT_MPI=1 \
    HOROVOD_WITH_GLOO=1 HOROVOD_CPU_OPERATIONS=GLOO CMAKE_POLICY_VERSION_MINIMUM=3.5 MAKEFLAGS="${MAKEFLAGS:--j2}" \
    "$PYTHON" -m pip install -q --no-build-isolation --no-deps .
"$PYTHON" -c "import horovod.torch"
