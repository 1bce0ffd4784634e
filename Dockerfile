# Both binaries and nothing else, to be copied into other images:
#
#   docker build --tag pid1 .
#   COPY --from=pid1 /pid1 /pid1top /usr/local/bin/
#
# The same sources and the same Go make the same bytes. For another machine than the
# builder's: --build-arg TARGETARCH=arm64, or --platform with BuildKit.
ARG GO_VERSION=1.26
FROM golang:${GO_VERSION} AS build
# BuildKit sets it; where nobody does, it is that of the builder.
ARG TARGETARCH
# What --version says: version control is not in the build.
ARG VERSION
WORKDIR /src
COPY . .
RUN CGO_ENABLED=0 GOARCH=${TARGETARCH} go build -trimpath -buildvcs=false \
    -ldflags="-s -w -X pid1/internal/version.given=${VERSION}" -o /out/ ./cmd/...

FROM scratch
COPY --from=build /out/pid1 /out/pid1top /
ENV PATH=/
