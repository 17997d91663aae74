# Built from the repository's root: docker build -f deploy/images/server.Dockerfile .
FROM node:20-bookworm AS build
WORKDIR /app
COPY . .
RUN npm ci && npm run build && npm prune --omit=dev

FROM node:20-bookworm-slim
WORKDIR /app
COPY --from=build /app/package.json ./
COPY --from=build /app/node_modules node_modules
COPY --from=build /app/dist dist
COPY --from=build /app/openapi.yaml /app/PROTOCOL.md /app/mcp.html ./
USER node
ENTRYPOINT ["node", "dist/main.js"]
