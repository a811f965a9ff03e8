# Two stages: the first has pip and the build tools, the second only Python and what runs. Where that base cannot be had,
# any other with Python 3.11 as `python` will do: docker build --build-arg BASE=...
ARG BASE=python:3.11-slim-bookworm
FROM ${BASE} AS builder
WORKDIR /build
RUN python -m venv /opt/build && python -m venv /opt/stationmaster
COPY requirements/build.txt requirements/runtime.txt requirements/
RUN /opt/build/bin/pip install --no-cache-dir --require-hashes --no-deps -r requirements/build.txt \
    && /opt/stationmaster/bin/pip install --no-cache-dir --require-hashes --no-deps -r requirements/runtime.txt
COPY pyproject.toml README.md LICENSE ./
COPY alembic alembic
COPY src src
RUN /opt/build/bin/python -m hatchling build --target wheel \
    && /opt/stationmaster/bin/pip install --no-cache-dir --no-deps dist/*.whl \
    && /opt/stationmaster/bin/pip uninstall --yes pip setuptools

FROM ${BASE}
# For scripts in sandboxes; whether they can be made here depends on the container's own limits (docs/how-to/sandbox.md).
RUN apt-get update && apt-get install --yes --no-install-recommends bubblewrap && rm -rf /var/lib/apt/lists/*
RUN groupadd --gid 10001 stationmaster \
    && useradd --uid 10001 --gid 10001 --create-home --home-dir /var/lib/stationmaster --shell /usr/sbin/nologin stationmaster
COPY --from=builder /opt/stationmaster /opt/stationmaster
ENV PATH=/opt/stationmaster/bin:$PATH \
    PYTHONDONTWRITEBYTECODE=1 \
    PYTHONUNBUFFERED=1 \
    STATIONMASTER_DATA_DIR=/var/lib/stationmaster \
    STATIONMASTER_LOG_FORMAT=json
WORKDIR /var/lib/stationmaster
# The only folder that is written to: the root file system may be read-only.
VOLUME /var/lib/stationmaster
USER 10001:10001
EXPOSE 8000
HEALTHCHECK --interval=10s --timeout=3s --start-period=30s \
    CMD ["python", "-c", "import urllib.request as web; web.urlopen('http://127.0.0.1:8000/health/live', timeout=2)"]
ENTRYPOINT ["stationmaster"]
CMD ["serve", "--host", "0.0.0.0", "--port", "8000"]
