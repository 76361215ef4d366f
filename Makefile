# What people type. Everything the targets need beyond Go is installed by scripts/setup.

GO     ?= go
TOOL   := $(GO) tool -modfile=tools/go.mod
LDFLAGS := -s -w

# grpc's own tag: without it grpc brings html/template, for which the linker keeps every method of every type, and the
# binary is much larger.
export GOFLAGS += -tags=grpcnotrace

.PHONY: run build build-cluster man test unit interop generate lint fuzz robustness release-check bench vuln clean

run: ## start the server on 127.0.0.1:4566, data in ./portolan-data
	$(GO) run ./cmd/portolan serve

build: ## bin/portolan, stripped
	$(GO) build -trimpath -ldflags '$(LDFLAGS)' -o bin/portolan ./cmd/portolan

# The member is a module of its own; the workspace joins the two, and the overlay puts the member in the place of "there is none".
MEMBER := internal/store/etcd/member

build-cluster: ## bin/portolan-cluster: the same with a member of a cluster in it, for serve --cluster
	GOWORK=$(CURDIR)/$(MEMBER)/build.work $(GO) build -trimpath -overlay $(MEMBER)/overlay.json -ldflags '$(LDFLAGS)' -o bin/portolan-cluster ./cmd/portolan

test: ## everything CI runs: real clients, race detector, linters, generated code
	./scripts/setup
	./scripts/check

unit: ## the Go tests alone, without the race detector
	$(GO) test ./...

interop: ## BGP sessions with FRR, BIRD, GoBGP and ExaBGP, in network namespaces: Linux, as root
	$(GO) test -tags grpcnotrace,interop -count 1 -parallel 8 -timeout 10m ./test/bgp

generate: ## the api package from the model, and docs/coverage.md from what runs
	$(GO) generate ./...

lint:
	$(GO) vet ./...
	$(TOOL) staticcheck ./...
	$(TOOL) errcheck -exclude tools/errcheck.txt -ignoretests ./...
	test -z "$$($(TOOL) gofumpt -l .)"

fuzz: ## every fuzz target for FUZZTIME each
	./scripts/fuzz $(or $(FUZZTIME),20s)

robustness: ## the tests of what docs/reliability.md promises, with new seeds, for MINUTES
	./scripts/robustness $(or $(MINUTES),10)

release-check: ## a release for every platform, cross-compiled, which takes minutes
	$(GO) test -tags grpcnotrace,release ./test -run TestRelease

bench: ## the measurements of docs/benchmarks.md, in one run
	$(GO) run ./bench -write docs/benchmarks.md

vuln: ## known vulnerabilities; needs https://vuln.go.dev
	$(TOOL) govulncheck ./...

clean:
	rm -rf bin dist portolan-data

man: ## manual pages of all commands, in dist/man1
	$(GO) run ./cmd/portolan man --dir dist/man1
