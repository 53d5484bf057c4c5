# Pingap. `make help` lists the targets; run needs Go and make alone.

GO ?= go

# Debian keeps nginx and haproxy out of an ordinary user's path.
export PATH := $(PATH):/usr/sbin:/sbin

# Commands that make test and make bench drive, each with its Debian package.
TEST_NEEDS  = gcc:gcc cc:libc6-dev curl:curl nginx:nginx-light wrk:wrk etcd:etcd-server chromium:chromium
SCAN_NEEDS  = testssl:testssl.sh caddy:caddy
BENCH_NEEDS = $(TEST_NEEDS) haproxy:haproxy h2load:nghttp2-client caddy:caddy

# Platforms that are compiled, but not run, beside the one this is.
CROSS = linux/arm64 darwin/arm64 freebsd/amd64

# Scenarios of make bench that the profile for the compiler is made from.
PROFILED = small|small-logged|h1-tls|h2-small

# How long each fuzz target runs.
FUZZTIME ?= 60s

.PHONY: help run build test bench profile docs countries lint cross scan fuzz test-needs bench-needs scan-needs

help: ## list the targets
	@sed -n 's/^\([a-z]*\):.*## /  make \1\t/p' $(MAKEFILE_LIST) | expand -t 16

run: build ## build and start with the built-in configuration
	bin/pingap

build: ## build bin/pingap, one static binary
	CGO_ENABLED=0 $(GO) build -trimpath -o bin/pingap ./cmd/pingap

# Latencies are judged by a build without checks, which cost several times what
# the work does. The run for races comes last, so that the output ends with a line
# per package.
# -count=1: the end-to-end tests depend on the binary, which go's cache does
# not know of.
test: test-needs lint cross ## install what the tests need, then run every check
	$(GO) test -count=1 -run '^TestFloodsHurtNobodyElse$$' ./e2e
	$(GO) test -count=1 -tags poison ./...
	$(GO) test -count=1 -race ./...

docs: ## renew docs/configuration.md, the tables of other pages and the JSON Schema
	$(GO) generate ./config/schema

countries: ## renew the data on countries of addresses, on Debian (see NOTICE)
	$(GO) generate ./geo

lint: ## check formatting, go vet, staticcheck
	@unformatted=$$(gofmt -l .) && if [ -n "$$unformatted" ]; then \
		echo "not formatted; run gofmt -w on:" >&2; echo "$$unformatted" >&2; exit 1; fi
	$(GO) vet ./...
	$(GO) vet -tags poison ./...
	$(GO) tool staticcheck ./...

cross: ## compile for the platforms of which no test runs here
	@set -e; for platform in $(CROSS); do \
		echo "compile for $$platform"; \
		export CGO_ENABLED=0 GOOS=$${platform%/*} GOARCH=$${platform#*/}; \
		$(GO) build ./...; $(GO) vet ./...; \
	done

bench: bench-needs ## measure against nginx, HAProxy and Caddy, side by side
	$(GO) run ./bench $(ARGS)

# The compiler reads the profile to decide what to inline on the hot path.
profile: bench-needs ## renew cmd/pingap/default.pgo
	$(GO) build -tags profile -o bin/pingap-profile ./cmd/pingap
	rm -rf bin/profiles && mkdir bin/profiles
	$(GO) run ./bench -binary bin/pingap-profile -profile bin/profiles -scenario '^($(PROFILED))$$' -rounds 15
	$(GO) tool pprof -proto bin/profiles/*.prof > cmd/pingap/default.pgo

scan: scan-needs ## have testssl.sh look at the TLS of this proxy and of Caddy (some minutes)
	$(GO) run ./e2e/scan

# By default each input that is interesting may be made smaller for a minute,
# which would be all of the time.
fuzz: ## run every fuzz target for FUZZTIME, one after the other
	@set -e; for package in $$($(GO) list ./...); do \
		for target in $$($(GO) test -list '^Fuzz' $$package | grep '^Fuzz'); do \
			echo "$$package $$target"; \
			$(GO) test -run '^$$' -fuzz "^$$target\$$" -fuzztime $(FUZZTIME) -fuzzminimizetime 100x $$package; \
		done; \
	done

test-needs:
	@$(call need,$(TEST_NEEDS))

scan-needs:
	@$(call need,$(SCAN_NEEDS))

bench-needs:
	@$(call need,$(BENCH_NEEDS))

# need installs the packages of those commands that are missing when it may,
# and says how to when it may not.
need = missing=; \
	for pair in $(1); do \
		command -v $${pair%%:*} >/dev/null || missing="$$missing $${pair\#*:}"; \
	done; \
	if [ -z "$$missing" ]; then exit 0; fi; \
	if [ "$$(id -u)" = 0 ] && command -v apt-get >/dev/null; then \
		apt-get update -q && DEBIAN_FRONTEND=noninteractive apt-get install -qy --no-install-recommends $$missing; \
	else \
		echo "missing, by their names in Debian:$$missing" >&2; \
		echo "install them as root: apt-get install$$missing" >&2; exit 1; \
	fi
