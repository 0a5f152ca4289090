# Footnote in a container: `docker build .` for a CPU, `docker build --target cuda .` for an NVIDIA GPU.
# docs/container.md says how to build and run it, behind a closed network too. Every step is a script of docker/,
# which `make test-image` runs in a plain Debian without an engine.
ARG DEBIAN=debian:12.13-slim

# What runs Footnote besides Python packages, and its user. The GPU image has the same base: the CUDA libraries come
# with PyTorch's wheels, the driver from the host, so NVIDIA's own images would only bring them a second time.
FROM ${DEBIAN} AS system
ARG OCR_LANGUAGES="eng fra"
COPY docker/install-system.sh /opt/footnote/docker/
RUN --mount=type=secret,id=apt,target=/etc/apt/sources.list.d/debian.sources \
    /opt/footnote/docker/install-system.sh

FROM system AS builder
COPY docker/install-builder.sh docker/install-packages.sh docker/install-footnote.sh /build/docker/
RUN --mount=type=secret,id=apt,target=/etc/apt/sources.list.d/debian.sources \
    /build/docker/install-builder.sh

# The packages are a layer of their own, so that a change of Footnote's code moves megabytes, not gigabytes.
FROM builder AS packages-cpu
ARG TORCH_INDEX
ARG EXTRAS="cpu,openvino,postgres,llms"
COPY pyproject.toml constraints.txt README.md LICENSE /build/
RUN --mount=type=secret,id=pip,target=/etc/pip.conf --mount=type=secret,id=ca \
    /build/docker/install-packages.sh cpu

FROM builder AS packages-cuda
ARG TORCH_INDEX
ARG EXTRAS="gpu,postgres,llms"
COPY pyproject.toml constraints.txt README.md LICENSE /build/
RUN --mount=type=secret,id=pip,target=/etc/pip.conf --mount=type=secret,id=ca \
    /build/docker/install-packages.sh cuda

FROM builder AS footnote
COPY pyproject.toml README.md LICENSE /build/
COPY rag /build/rag
COPY ingest /build/ingest
COPY api /build/api
COPY eval /build/eval
RUN --mount=type=secret,id=pip,target=/etc/pip.conf --mount=type=secret,id=ca \
    /build/docker/install-footnote.sh

# Nothing is written outside /data and /tmp, so the root file system can be read-only.
FROM system AS runtime
ENV PATH=/opt/footnote/venv/bin:/usr/local/bin:/usr/bin:/bin \
    HOME=/tmp \
    XDG_CACHE_HOME=/tmp/cache \
    HF_HOME=/data/huggingface \
    HF_HUB_OFFLINE=1 \
    PYTHONDONTWRITEBYTECODE=1 \
    PYTHONUNBUFFERED=1 \
    FOOTNOTE_DATA_DIR=/data
COPY docker/entrypoint.sh /usr/local/bin/footnote
COPY docker/healthcheck.py /opt/footnote/docker/
COPY samples/handbook /opt/footnote/handbook
USER 10001:10001
WORKDIR /data
VOLUME /data
EXPOSE 8000
HEALTHCHECK --interval=15s --timeout=10s --start-period=180s CMD ["/opt/footnote/docker/healthcheck.py"]
ENTRYPOINT ["/usr/bin/tini", "-e", "143", "--", "/usr/local/bin/footnote"]
CMD ["serve", "--host", "0.0.0.0", "--port", "8000"]

FROM runtime AS cuda
ENV NVIDIA_VISIBLE_DEVICES=all \
    NVIDIA_DRIVER_CAPABILITIES=compute,utility
COPY --from=packages-cuda /opt/footnote/venv /opt/footnote/venv
COPY --from=footnote /opt/footnote/app /opt/footnote/app

FROM runtime AS cpu
COPY --from=packages-cpu /opt/footnote/venv /opt/footnote/venv
COPY --from=footnote /opt/footnote/app /opt/footnote/app
