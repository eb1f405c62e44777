# ligature with everything that its workflow needs.
#   docker build -t ligature .
#   docker build -t ligature --build-arg TORCH_INDEX=ADDRESS .
# TORCH_INDEX is a package index beside pip's own, for a CPU build of torch or one for another version of CUDA.
# BASE is any image with Python 3.11, its venv module, and apt.
ARG BASE=python:3.11-slim-bookworm

FROM ${BASE} AS build
ARG TORCH_INDEX=""
ARG EXTRAS=workflow,share,download,train,captions,demo
WORKDIR /source
RUN python3 -m venv /opt/ligature
ENV PATH=/opt/ligature/bin:$PATH PIP_NO_CACHE_DIR=1 PIP_DISABLE_PIP_VERSION_CHECK=1
COPY constraints.txt constraints-cuda.txt ./
RUN if [ -n "$TORCH_INDEX" ]; then \
        pip install -c constraints.txt --extra-index-url "$TORCH_INDEX" torch; \
    else \
        pip install -c constraints.txt -c constraints-cuda.txt torch; \
    fi
COPY pyproject.toml README.md LICENSE ./
COPY src src
RUN pip install -c constraints.txt ".[$EXTRAS]"

FROM ${BASE}
RUN apt-get update \
    && apt-get install --yes --no-install-recommends git openssh-client \
    && rm -rf /var/lib/apt/lists/* \
    && useradd --create-home --uid 1000 ligature
COPY --from=build /opt/ligature /opt/ligature
ENV PATH=/opt/ligature/bin:$PATH DVC_NO_ANALYTICS=1
USER ligature
WORKDIR /home/ligature
ENTRYPOINT ["ligature"]
CMD ["--help"]
