#!/usr/bin/env bash
# Makes the packages, in dist/: tarballs, .deb, .rpm, bills of materials and checksums
# for amd64 and arm64. The same commit and the same Go make the same bytes, whatever
# the folder, the day and the user. The sources must be a git checkout.
set -euo pipefail
cd "$(dirname "$0")/.."
umask 022
# Nothing of what somebody likes to have set gets in.
unset GOAMD64 GOARM64 GOEXPERIMENT
export LC_ALL=C TZ=UTC GOFLAGS=-trimpath CGO_ENABLED=0
NFPM=github.com/goreleaser/nfpm/v2/cmd/nfpm@v2.45.1

out=$PWD/${1:-dist}
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

SOURCE_DATE_EPOCH=$(git log -1 --format=%ct)
VERSION=$(git describe --tags --exact-match --match 'v[0-9]*' 2>/dev/null | sed s/^v//) || true
[ -n "$VERSION" ] || VERSION=0.0.0-git.$(date -u -d "@$SOURCE_DATE_EPOCH" +%Y%m%d%H%M%S).$(git rev-parse --short=12 HEAD)
if [ -n "$(git status --porcelain)" ]; then
  echo "dist: the sources are not as they were committed" >&2
  VERSION=$VERSION.modified
fi
export SOURCE_DATE_EPOCH VERSION

rm -rf "$out"
mkdir -p "$out"

# What is the same for all machines.
share=$work/share
GOFLAGS="-trimpath -buildvcs=true" go test -count=1 -run='^TestManual$' ./cmd/pid1 ./cmd/pid1top -args -manual="$share" >"$work/manual.log" 2>&1 ||
  { cat "$work/manual.log"; exit 1; }
gzip -9n "$share"/man/man1/*
mkdir -p "$share/pid1/prometheus"
cp packaging/prometheus/rules.yml packaging/prometheus/dashboard.json "$share/pid1/prometheus/"
go build -o "$work/" ./packaging/bom
GOBIN=$work go install "$NFPM"

for ARCH in amd64 arm64; do
  export ARCH
  name=pid1-$VERSION-linux-$ARCH
  tree=$work/$name
  mkdir -p "$tree"
  GOARCH=$ARCH go build -buildvcs=true -ldflags='-s -w' -o "$tree/" ./cmd/...
  cp -R "$share" "$tree/share"
  cp LICENSE README.md "$tree/"
  "$work/bom" -version "$VERSION" -sbom "$out/$name.cdx.json" -notices "$tree/THIRD_PARTY_LICENSES" "$tree/pid1" "$tree/pid1top"
  find "$tree" -exec touch --no-dereference --date="@$SOURCE_DATE_EPOCH" {} +
  tar -C "$work" --create --format=ustar --sort=name --owner=0 --group=0 --numeric-owner \
    --mtime="@$SOURCE_DATE_EPOCH" "$name" | gzip -9n >"$out/$name.tar.gz"

  root=$work/root-$ARCH
  mkdir -p "$root/usr/share/doc/pid1" "$root/usr/bin"
  cp "$tree/pid1" "$tree/pid1top" "$root/usr/bin/"
  cp -R "$share"/* "$root/usr/share/"
  cp README.md "$tree/THIRD_PARTY_LICENSES" "$root/usr/share/doc/pid1/"
  cp LICENSE "$root/usr/share/doc/pid1/copyright"
  find "$root" -exec touch --no-dereference --date="@$SOURCE_DATE_EPOCH" {} +
  for format in deb rpm; do
    (cd "$root" && "$work/nfpm" package --config "$OLDPWD/packaging/nfpm.yaml" --packager "$format" --target "$out/" >/dev/null)
  done
done
(cd "$out" && sha256sum -- * >SHA256SUMS)
ls -l "$out"
