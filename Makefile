# The tools are pinned here and nowhere else; go builds and caches them.
GOLANGCI  := go run github.com/golangci/golangci-lint/v2/cmd/golangci-lint@v2.15.0
VULNCHECK := go run golang.org/x/vuln/cmd/govulncheck@v1.9.0
# GOTEST runs "go test"; CI puts a runner in its place that counts.
GOTEST    ?= go test
BIN       ?= bin

.PHONY: bench bench-peers bench-screen build dist test race lint vuln e2e faults coverage-table soak screens ci clean

build: ## both static binaries, in bin/
	CGO_ENABLED=0 go build -trimpath -ldflags='-s -w' -o $(BIN)/ ./cmd/...

dist: ## packages, in dist/: docs/packages.md
	packaging/dist.sh dist

test: ## what needs nothing but Go and Linux; the rest says what it lacks
	$(GOTEST) ./...

race:
	$(GOTEST) -race -count=1 ./...

lint:
	go vet ./...
	go mod tidy -diff
	$(GOLANGCI) run ./...

vuln: ## needs the vulnerability database
	$(VULNCHECK) ./...

e2e: ## in real containers: needs root, a Docker Engine, debootstrap and tmux
	PID1_E2E=1 $(GOTEST) -count=1 -timeout=20m ./e2e

faults: ## every system call fails with every error of docs/faults.md; minutes; needs amd64 and what namespaces need
	PID1_FAULTS=all go test -count=1 -timeout=30m -parallel=8 -run='^TestFaults' ./cmd/pid1

bench-screen: ## what the screen costs, side by side with htop; needs what e2e needs, htop, a quiet machine
	PID1_E2E=1 go test -count=1 -run='^$$' -bench='^BenchmarkScreen$$' -benchtime=1x ./e2e

coverage-table: ## measures docs/coverage.md anew; needs what e2e needs
	PID1_E2E=1 go test -count=1 -timeout=60m -run='^TestCoverage$$' ./e2e -args -coverage-table=$(CURDIR)/docs/coverage.md

BENCHES ?= .
bench: build ## as root: what needs no other program, in under five minutes
	go run ./internal/bench -only='$(BENCHES)' bin
	go test -run='^$$' -bench='$(BENCHES)' -benchtime=100x -timeout=5m ./event ./inspect ./internal/journal ./internal/world ./ui

bench-peers: build ## as root: beside other inits, htop and strace, into docs/benchmarks.md; a quiet machine, ten minutes
	go run ./internal/bench -peers -o docs/benchmarks.md bin

SOAK ?= 10m
soak: ## pid1 under everything at once, for SOAK=2h; needs root or user namespaces
	PID1_SOAK=$(SOAK) go test -count=1 -timeout=0 -v -run='^TestSoak$$' ./internal/soak -args -soak-page=$(or $(SOAK_PAGE),/dev/null)

screens: ## makes docs/screens.md anew; needs what e2e needs
	PID1_E2E=1 go test -count=1 -run='^TestScreens$$' ./e2e -args -screens=$(CURDIR)/docs/screens.md

ci:
	bash .ci/run

clean:
	rm -rf bin dist
