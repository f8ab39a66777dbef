# The site client. Build from the top of the checkout, with BuildKit (it reads the .dockerignore beside this file):
#   docker build -f deploy/docker/site.Dockerfile -t wardround-site:0.1.0 .
# Trains on the processor (WebAssembly), and on a GPU by WebGPU where the container is given one (compose/site.gpu.yaml). With
# --build-arg ENGINE=native (or cuda) it also has TensorFlow's library, which takes pip, a compiler and the network to build.
FROM node:24.21.0-bookworm-slim AS packages
WORKDIR /app
COPY package.json package-lock.json ./
COPY shared/package.json shared/
COPY protocols/package.json protocols/
COPY coordinator/package.json coordinator/
COPY client/package.json client/
COPY deploy/package.json deploy/
# What the lock file says for this one program; no package's own scripts run.
RUN npm ci --omit=dev --workspace=@wardround/client --include-workspace-root=false --ignore-scripts --no-audit --no-fund

FROM node:24.21.0-bookworm-slim AS engine
ARG ENGINE=""
ENV WARDROUND_CACHE=/app/.cache
WORKDIR /app
COPY --from=packages /app/node_modules node_modules
COPY package.json ./
COPY shared shared
RUN mkdir -p .cache && if [ -n "$ENGINE" ]; then \
    apt-get update -q && apt-get install -q -y --no-install-recommends g++ make python3 python3-pip python3-venv \
    && node shared/learning/engine/cli/main.ts install "$ENGINE"; fi

FROM node:24.21.0-bookworm-slim
# The Vulkan loader finds the driver that the container runtime brings; without a GPU nothing uses it.
RUN apt-get update -q && apt-get install -q -y --no-install-recommends libvulkan1 && rm -rf /var/lib/apt/lists/*
ENV NODE_ENV=production WARDROUND_CACHE=/app/.cache
WORKDIR /app
COPY --from=packages /app/node_modules node_modules
COPY --from=engine /app/.cache .cache
COPY package.json LICENSE ./
COPY shared shared
COPY protocols protocols
COPY client client
# A new volume takes over the owner and mode of what lies at its place in the image.
RUN ln -s /app/client/bin/wardround-site.js /usr/local/bin/wardround-site \
  && install -d -m 0700 -o 10001 -g 10001 /var/lib/wardround
USER 10001:10001
WORKDIR /var/lib/wardround
VOLUME ["/var/lib/wardround"]
ENTRYPOINT ["wardround-site"]
CMD ["--help"]
