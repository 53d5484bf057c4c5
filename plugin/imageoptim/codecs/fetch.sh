#!/bin/sh
# Copies the encoders from the Go modules that README.md names. Run by go generate
# in the directory above; Go checks what it fetches against its database of sums.
set -e
cd "$(dirname "$0")"
from() { GOFLAGS=-mod=mod go mod download -json "$1" | sed -n 's/^\t"Dir": "\(.*\)",\{0,1\}$/\1/p'; }
avif=$(from github.com/gen2brain/avif@v0.4.4)
webp=$(from github.com/gen2brain/webp@v0.5.5)
install -m 644 "$avif/lib/encode.wasm.gz" avif.wasm.gz
install -m 644 "$webp/lib/webp.wasm.gz" webp.wasm.gz
install -m 644 "$avif/LICENSE" LICENSE.gen2brain
install -m 644 "$avif/lib/LICENSE.aom" "$avif/lib/LICENSE.libavif" "$webp/lib/LICENSE.libwebp" .
