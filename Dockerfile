# Two stages: one that builds, one that carries the binary, its libraries and the blog of app/. The process has no rights, the
# program is read-only in /blog, and /data is the volume for its database. Images of other programs start from this one and put
# theirs into /srv.
FROM debian:bookworm-slim AS build
RUN apt-get update && apt-get install -y --no-install-recommends \
      build-essential cmake ninja-build pkg-config libuv1-dev node-llhttp liblua5.4-dev libsqlite3-dev libsodium-dev \
      zlib1g-dev libbrotli-dev libcurl4-openssl-dev libssl-dev libnghttp2-dev libidn2-dev libpsl-dev libedit-dev libgd-dev \
    && rm -rf /var/lib/apt/lists/*
WORKDIR /src
COPY . .
RUN cmake -S . -B build -G Ninja -DBUILD_TESTING=OFF && cmake --build build && cmake --install build --prefix /opt/rille --strip

FROM debian:bookworm-slim
RUN apt-get update && apt-get install -y --no-install-recommends \
      libuv1 libsqlite3-0 libsodium23 libbrotli1 libcurl4 libssl3 libnghttp2-14 libidn2-0 libpsl5 libedit2 libgd3 zlib1g ca-certificates \
    && rm -rf /var/lib/apt/lists/* \
    && useradd --system --uid 10001 --home-dir /data --shell /usr/sbin/nologin rille \
    && install -d -o rille -g rille -m 0700 /data
COPY --from=build /opt/rille/bin/rille /usr/local/bin/rille
COPY app /blog/app
COPY templates /blog/templates
USER rille
WORKDIR /data
VOLUME /data
ENV HOST=0.0.0.0 PORT=8080
EXPOSE 8080
CMD ["rille", "serve", "/blog/app", "--threads", "auto", "--supervise"]
