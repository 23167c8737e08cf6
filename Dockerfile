# One image for every service of Matinee; docker-compose.yml says which runs as what.
FROM python:3.11.15-slim-bookworm AS python
ENV PYTHONUNBUFFERED=1 \
    PIP_DISABLE_PIP_VERSION_CHECK=1 \
    PIP_NO_CACHE_DIR=1 \
    PIP_ROOT_USER_ACTION=ignore

# Node and the wheel's back end come from the locks too, and stay in this stage.
FROM python AS build
WORKDIR /src
COPY requirements/build.txt requirements/runtime.txt requirements/
RUN python -m venv /build \
    && /build/bin/pip install --no-deps --require-hashes --requirement requirements/build.txt \
    && python -m venv --without-pip /opt/matinee \
    && /build/bin/pip --python /opt/matinee install --no-deps --require-hashes --requirement requirements/runtime.txt
ENV PATH=/build/bin:$PATH
COPY web/package.json web/package-lock.json web/
RUN npm --prefix web ci --no-audit --no-fund
COPY . .
RUN npm --prefix web run build \
    && pip wheel --no-deps --no-build-isolation --wheel-dir /wheels . \
    && pip --python /opt/matinee install --no-deps --no-index /wheels/*.whl

FROM python
ARG VERSION=0.1.0
LABEL org.opencontainers.image.title="Matinee" \
      org.opencontainers.image.description="A self-hosted video-on-demand engine" \
      org.opencontainers.image.licenses="Apache-2.0" \
      org.opencontainers.image.version="${VERSION}"
RUN groupadd --system --gid 10001 matinee \
    && useradd --system --uid 10001 --gid matinee --home-dir /var/lib/matinee --shell /usr/sbin/nologin matinee \
    && install --directory --owner matinee --group matinee --mode 0700 /var/lib/matinee \
    && install --directory /etc/matinee
COPY --from=build /opt/matinee /opt/matinee
ENV PATH=/opt/matinee/bin:$PATH \
    PYTHONDONTWRITEBYTECODE=1 \
    MATINEE_DATA=/var/lib/matinee
# A matinee.toml may be mounted here; the root file system may be read-only, with /tmp in memory.
WORKDIR /etc/matinee
VOLUME /var/lib/matinee
EXPOSE 8080
USER 10001:10001
STOPSIGNAL SIGTERM
ENTRYPOINT ["matinee"]
CMD ["up"]
