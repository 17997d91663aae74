# Debian's pgbouncer (1.18), the version that was tried.
FROM debian:bookworm-slim
RUN apt-get update && apt-get install -y --no-install-recommends pgbouncer && rm -rf /var/lib/apt/lists/*
COPY images/pgbouncer.ini /etc/pgbouncer/pgbouncer.ini
USER postgres
# The file cannot name the server, which comes from the environment.
CMD ["bash", "-c", "sed \"s/@SERVER@/$SERVER/\" /etc/pgbouncer/pgbouncer.ini >/tmp/pgbouncer.ini && exec pgbouncer /tmp/pgbouncer.ini"]
