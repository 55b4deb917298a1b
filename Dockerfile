# syntax=docker/dockerfile:1
# docker build -t imhook .      (or docker buildx build --platform linux/amd64,linux/arm64 …)
FROM --platform=$BUILDPLATFORM golang:1.26 AS build
ARG TARGETOS
ARG TARGETARCH
# docker build --build-arg VERSION=v1.2.3; the go command's own without it.
ARG VERSION=
WORKDIR /src
COPY go.mod go.sum ./
RUN --mount=type=cache,target=/go/pkg/mod go mod download
COPY . .
RUN --mount=type=cache,target=/go/pkg/mod --mount=type=cache,target=/root/.cache/go-build \
    CGO_ENABLED=0 GOOS=$TARGETOS GOARCH=$TARGETARCH go build -trimpath -ldflags "-s -w -X main.given=$VERSION" -o /out/usr/bin/imhook ./cmd/imhook
# What a static binary needs besides itself: authorities for https, and a data
# directory that its user may write. Time zones are in the binary.
RUN mkdir -p /out/etc/ssl/certs /out/etc/imhook /out/var/lib/imhook /out/tmp \
 && cp /etc/ssl/certs/ca-certificates.crt /out/etc/ssl/certs/ \
 && cp deploy/docker/imhook.yaml /out/etc/imhook/imhook.yaml \
 && chmod 1777 /out/tmp \
 && chown 65532:65532 /out/var/lib/imhook && chmod 700 /out/var/lib/imhook

FROM scratch
COPY --from=build /out/ /
USER 65532:65532
WORKDIR /var/lib/imhook
VOLUME /var/lib/imhook
EXPOSE 8420
# Attempts in flight get 20 s: docker stop --time 30.
STOPSIGNAL SIGTERM
HEALTHCHECK --interval=10s --timeout=5s --start-period=1m --retries=3 CMD ["/usr/bin/imhook", "ready"]
ENTRYPOINT ["/usr/bin/imhook"]
CMD ["serve", "--config", "/etc/imhook/imhook.yaml"]
