# syntax=docker/dockerfile:1
# The service: `ocrctl serve`, and every other verb of `ocrctl` but training and export (no torch).
#
#   docker build -t ocr-rollout/service:0.1.0 .
#
# No image was built where this was written, for lack of a Docker engine. tests/deploy/ runs hadolint
# over this file and does by hand what the steps do: it makes a wheel of exactly the files that
# .dockerignore lets through, installs it without its sources, and serves from there.
ARG PYTHON=3.12.13-slim-bookworm

FROM python:${PYTHON} AS build
ENV PIP_NO_CACHE_DIR=1 PIP_DISABLE_PIP_VERSION_CHECK=1
WORKDIR /source
# Without pip: nothing is installed where it runs.
RUN python -m venv --without-pip /opt/ocr
# Changes seldom, so it comes before the sources. Every file is checked against its hash in the
# lock, and nothing is compiled.
COPY requirements/service.lock requirements/service.lock
RUN pip --python /opt/ocr/bin/python install --require-hashes --only-binary :all: \
        -r requirements/service.lock
COPY . .
# The lock holds hatchling too, so no build downloads anything on its own.
RUN pip --python /opt/ocr/bin/python install --no-deps --no-build-isolation .

FROM python:${PYTHON}
ARG VERSION=0.1.0
ARG REVISION=unknown
LABEL org.opencontainers.image.title="ocr-rollout service" \
      org.opencontainers.image.description="OCR over REST; replaces one model by another without downtime" \
      org.opencontainers.image.licenses="Apache-2.0" \
      org.opencontainers.image.version="${VERSION}" \
      org.opencontainers.image.revision="${REVISION}"
# opencv-python's module is linked against the Qt that its wheel carries, and that against libGL and
# GLib, neither of which the slim image has. The headless wheel needs neither, but pip would not take
# it for the dependency that callers of the library install.
# tini: a first process that passes signals on and buries orphans, whatever verb runs.
# hadolint ignore=DL3008
RUN apt-get update \
    && apt-get install --yes --no-install-recommends libgl1 libglib2.0-0 tini \
    && rm -rf /var/lib/apt/lists/* \
    && groupadd --system --gid 10001 ocr \
    && useradd --system --uid 10001 --gid ocr --no-create-home --home-dir /tmp ocr
COPY --from=build /opt/ocr /opt/ocr
# Golden lines for `ocrctl models publish`.
COPY samples /usr/share/ocr-rollout/samples
# /tmp is the only place that is written: everything else may be mounted read-only.
ENV PATH=/opt/ocr/bin:$PATH \
    PYTHONUNBUFFERED=1 \
    PYTHONDONTWRITEBYTECODE=1 \
    HOME=/tmp
WORKDIR /tmp
# By number, so that Kubernetes can see that it is not root.
USER 10001:10001
EXPOSE 5000
STOPSIGNAL SIGTERM
# Ready: stable answers. urlopen raises on 503, so the check can fail.
HEALTHCHECK --interval=10s --timeout=5s --retries=3 --start-period=60s \
    CMD ["python", "-c", "import urllib.request; urllib.request.urlopen('http://127.0.0.1:5000/readyz', timeout=4)"]
ENTRYPOINT ["tini", "--", "ocrctl"]
CMD ["serve", "--host", "0.0.0.0", "--port", "5000", "--config", "/etc/ocr/config.yaml"]
