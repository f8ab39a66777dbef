# The coordinator. Build from the top of the checkout, with BuildKit (it reads the .dockerignore beside this file):
#   docker build -f deploy/docker/coordinator.Dockerfile -t wardround-coordinator:0.1.0 .
FROM node:24.21.0-bookworm-slim AS packages
WORKDIR /app
COPY package.json package-lock.json ./
COPY shared/package.json shared/
COPY protocols/package.json protocols/
COPY coordinator/package.json coordinator/
COPY client/package.json client/
COPY deploy/package.json deploy/
# What the lock file says for this one program; no package's own scripts run.
RUN npm ci --omit=dev --workspace=@wardround/coordinator --include-workspace-root=false --ignore-scripts --no-audit --no-fund

FROM node:24.21.0-bookworm-slim
ENV NODE_ENV=production
# A third less memory: what uploads and downloads pass through is given back soon (deploy/bench/rounds measures it so).
ENV MALLOC_ARENA_MAX=2 NODE_OPTIONS=--max-semi-space-size=2
WORKDIR /app
COPY --from=packages /app/node_modules node_modules
COPY package.json LICENSE ./
COPY shared shared
COPY protocols protocols
COPY coordinator coordinator
# A new volume takes over the owner and mode of what lies at its place in the image.
RUN ln -s /app/coordinator/bin/wardround-coordinator.js /usr/local/bin/wardround-coordinator \
  && install -d -m 0700 -o 10001 -g 10001 /var/lib/wardround
USER 10001:10001
# Commands find the coordinator of a state folder by where they are called: `wardround-coordinator status`.
WORKDIR /var/lib/wardround
VOLUME ["/var/lib/wardround"]
EXPOSE 8470
HEALTHCHECK --interval=15s --timeout=5s --start-period=60s --retries=3 \
  CMD ["node", "-e", "fetch('http://127.0.0.1:8470/v1/health').then((answer) => process.exit(answer.ok ? 0 : 1), () => process.exit(1))"]
ENTRYPOINT ["wardround-coordinator"]
CMD ["--help"]
