# docker build -t g3n-crm-mcp .   See docs/deployment.md.
FROM node:22-bookworm AS build
WORKDIR /app
COPY package.json package-lock.json ./
RUN npm ci --include=dev --ignore-scripts
COPY . .
RUN node scripts/build.mjs

# The packages of package-lock.json. SQLite's binary is fetched, or compiled with the tools of this image.
FROM node:22-bookworm AS packages
WORKDIR /app
COPY package.json package-lock.json ./
RUN npm ci --omit=dev && rm -rf node_modules/better-sqlite3/deps node_modules/better-sqlite3/src \
  && mkdir /data

FROM node:22-bookworm-slim
LABEL org.opencontainers.image.title="g3n-crm-mcp" \
  org.opencontainers.image.description="A retail CRM as an MCP server" \
  org.opencontainers.image.licenses="Apache-2.0"
WORKDIR /app
COPY --from=build /app/package.json /app/openapi.yaml /app/PROTOCOL.md /app/mcp.html /app/LICENSE /app/NOTICE ./
COPY --from=build /app/dist dist
COPY --from=packages /app/node_modules node_modules
COPY --from=packages --chown=1000:1000 /data /data
# A database file and its key go here; nothing is written elsewhere, so the root can be read-only.
VOLUME /data
ENV NODE_ENV=production G3N_DB=/data/crm.db
USER 1000:1000
EXPOSE 8787
STOPSIGNAL SIGTERM
HEALTHCHECK --interval=10s --timeout=3s --start-period=20s --retries=3 \
  CMD ["node", "-e", "fetch('http://127.0.0.1:8787/readyz').then((r) => process.exit(r.ok ? 0 : 1), () => process.exit(1))"]
ENTRYPOINT ["node", "/app/dist/main.js"]
CMD ["http", "--host", "0.0.0.0", "--port", "8787", "--allow-host", "localhost"]
