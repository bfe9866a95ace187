# syntax=docker/dockerfile:1
FROM rust:1.95-bookworm AS build
RUN apt-get update && apt-get install -y --no-install-recommends lld && rm -rf /var/lib/apt/lists/*
WORKDIR /src
COPY . .
ENV SQLX_OFFLINE=true
RUN --mount=type=cache,target=/usr/local/cargo/registry --mount=type=cache,target=/target \
    CARGO_TARGET_DIR=/target cargo build --release --locked --package hub --bin hub && cp /target/release/hub /hub

# git speaks the transfer protocol for the hub; gpg and gpgv read keys and check signatures of commits; curl is for health checks.
FROM debian:bookworm-slim
RUN apt-get update && apt-get install -y --no-install-recommends ca-certificates curl git gpg gpgv && rm -rf /var/lib/apt/lists/* \
    && useradd --create-home --home-dir /home/hub hub && install -d -o hub -g hub -m 700 /data
COPY --from=build /hub /usr/local/bin/hub
USER hub
ENV HUB_DATA_DIR=/data HUB_LISTEN=0.0.0.0:8080
VOLUME /data
EXPOSE 8080
ENTRYPOINT ["hub"]
CMD ["serve"]
