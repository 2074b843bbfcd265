# The image of the operator. Everything that is installed has its hash in requirements/; the final stage has no
# build tool and no package installer of the project's own, and runs without root on a read-only file system.
# Name the base by the digest that you looked at: --build-arg BASE=python:3.13-slim@sha256:…
ARG BASE=python:3.13-slim
FROM ${BASE} AS build
ENV PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_NO_CACHE_DIR=1 PIP_ROOT_USER_ACTION=ignore
WORKDIR /src
# First what changes seldom, so that a change of the code installs nothing again.
COPY requirements/build.lock requirements/run.lock requirements/
# Optional secrets, for who fetches from a mirror: a configuration of pip, and the authority that it names as
# cert = /run/secrets/ca.crt. No layer has them.
RUN --mount=type=secret,id=pip.conf,target=/etc/pip.conf --mount=type=secret,id=ca.crt \
    python -m venv /opt/build \
 && /opt/build/bin/pip install --no-deps --require-hashes --only-binary :all: -r requirements/build.lock \
 && python -m venv --without-pip /opt/tokencheck \
 && pip --python /opt/tokencheck/bin/python install --no-compile --no-deps --require-hashes --only-binary :all: -r requirements/run.lock
COPY pyproject.toml README.md LICENSE ./
COPY operator/tokencheck operator/tokencheck
# Compiled by content: a time would make every build another, and one that is set back would have all compiled at each start.
RUN /opt/build/bin/pip wheel --no-deps --no-build-isolation --wheel-dir /wheel . \
 && pip --python /opt/tokencheck/bin/python install --no-compile --no-deps --no-index /wheel/*.whl \
 && /opt/tokencheck/bin/python -m compileall -qf --invalidation-mode unchecked-hash /opt/tokencheck/lib \
 && /opt/tokencheck/bin/tokencheck version

# `docker build --target sbom --output . .` writes tokencheck.cdx.json and nothing else: every Python package that is
# installed in the image, as CycloneDX.
FROM build AS listed
COPY requirements/sbom.lock requirements/
RUN --mount=type=secret,id=pip.conf,target=/etc/pip.conf --mount=type=secret,id=ca.crt \
    python -m venv /opt/sbom \
 && /opt/sbom/bin/pip install --no-deps --require-hashes --only-binary :all: -r requirements/sbom.lock \
 && /opt/sbom/bin/cyclonedx-py environment --pyproject pyproject.toml --output-reproducible --output-file /tokencheck.cdx.json /opt/tokencheck/bin/python
FROM scratch AS sbom
COPY --from=listed /tokencheck.cdx.json /

FROM ${BASE}
COPY --from=build /opt/tokencheck /opt/tokencheck
ENV PATH=/opt/tokencheck/bin:$PATH PYTHONDONTWRITEBYTECODE=1 PYTHONUNBUFFERED=1
WORKDIR /
USER 65532:65532
EXPOSE 8080
ENTRYPOINT ["tokencheck"]
CMD ["operator", "--listen", "0.0.0.0:8080"]
