# syntax=docker/dockerfile:1
# Gateway, steward and migrations: everything that needs no engine. No torch comes in.
#
#   docker build -f deploy/gateway.Dockerfile -t headrace-gateway .

FROM node:24-bookworm-slim AS ui
WORKDIR /ui
COPY api/ui/package.json api/ui/package-lock.json api/ui/.npmrc ./
RUN --mount=type=cache,target=/root/.npm npm ci --omit=dev
COPY api/ui ./
RUN npm run build


FROM python:3.11-slim-bookworm AS build
ENV UV_LINK_MODE=copy UV_COMPILE_BYTECODE=1 UV_PYTHON=/opt/venv/bin/python
WORKDIR /build
COPY pyproject.toml constraints.txt ./
RUN python3 -m venv /opt/uv \
    && /opt/uv/bin/pip install --no-cache-dir --constraint constraints.txt uv \
    && python3 -m venv --without-pip /opt/venv

# First what Headrace depends on, by way of a package that is still empty: this layer outlives changes of the code.
RUN --mount=type=cache,target=/root/.cache/uv \
    touch README.md && /opt/uv/bin/uv pip install --constraint constraints.txt .

COPY README.md ./
COPY api api
COPY --from=ui /ui/dist api/ui/dist
COPY workers workers
COPY models models
COPY migrations migrations
# Its cache knows the empty package under the same name, so none.
RUN /opt/uv/bin/uv pip install --no-cache --no-deps --reinstall-package headrace .


FROM python:3.11-slim-bookworm
RUN groupadd --gid 10001 headrace \
    && useradd --uid 10001 --gid headrace --no-log-init --create-home --home-dir /var/lib/headrace headrace \
    && install --directory --owner=headrace --group=headrace --mode=700 /artifacts
COPY --from=build /opt/venv /opt/venv
ENV PATH=/opt/venv/bin:$PATH \
    PYTHONUNBUFFERED=1 \
    HEADRACE_HOME=/var/lib/headrace
WORKDIR /var/lib/headrace
USER 10001:10001
EXPOSE 9997
HEALTHCHECK --interval=10s --timeout=5s --start-period=30s --retries=3 \
    CMD ["python", "-c", "import http.client, os, sys; gateway = http.client.HTTPConnection('127.0.0.1', int(os.environ.get('HEADRACE_PORT', 9997)), timeout=4); gateway.request('GET', '/healthz'); sys.exit(gateway.getresponse().status != 200)"]
CMD ["headrace", "gateway"]
