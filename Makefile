# make help lists the targets.
SHELL := bash
.SHELLFLAGS := -eu -o pipefail -c
MAKEFLAGS += --no-print-directory

# Without grpcnotrace the linker keeps every method of every type: a binary of
# 69 MB in place of 41.
TAGS    := grpcnotrace
VERSION ?= $(shell git describe --tags --always --dirty 2>/dev/null || echo devel)
BUILD   := go build -trimpath -tags=$(TAGS) -ldflags='-s -w -X main.version=$(VERSION)'
BIN     := .cache/bin
LINT    := $(BIN)/golangci-lint run --build-tags=$(TAGS)

.PHONY: help build unit test demo lint generate verify parts upstream judgement e2e bench image clean tools

help: ## list the targets
	@grep -hE '^[a-z0-9-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/:[^#]*## /\t/' | sort | column -t -s $$'\t'

build: ## build bin/rollcall, a static binary
	CGO_ENABLED=0 $(BUILD) -o bin/rollcall ./cmd/rollcall

# A timeline runs on one goroutine, and there are thousands of runs: the race
# detector would find nothing there, and take ten times as long.
unit: ## the quick loop: unit tests with the race detector, and the timelines without
	go test -race -tags=$(TAGS) $$(go list ./... | grep -v /internal/timeline$$)
	go test -tags=$(TAGS) ./internal/timeline

test: verify unit upstream judgement e2e ## everything: formatting, vet, lint, unit tests, upstream types and judgement, the scenarios on the real parts

verify: lint ## formatting, vet, lint, and that generated files are fresh
	@$(MAKE) generate OUT=.cache/generated
	diff .cache/generated/crd/rollcall.dev_releases.yaml manifests/crd/rollcall.dev_releases.yaml
	diff .cache/generated/release.go release/v1alpha1/zz_generated.deepcopy.go
	diff .cache/generated/lean.go watch/lean/zz_generated.deepcopy.go

lint: tools ## gofumpt, go vet, go fix and golangci-lint on all modules
	@bad=$$($(BIN)/gofumpt -l $$(git ls-files -co --exclude-standard '*.go' | grep -v zz_generated)); test -z "$$bad" || { echo "not formatted (gofumpt -w):"; echo "$$bad"; exit 1; }
	go vet -tags=$(TAGS) ./...
	@old=$$(go fix -diff -tags=$(TAGS) ./... 2>&1; cd e2e; go fix -diff ./... 2>&1; cd upstream; go fix -diff ./... 2>&1; cd ../judgement; go fix -diff ./... 2>&1; cd argo; go fix -diff ./... 2>&1); test -z "$$old" || { echo "not modern (go fix ./...):"; echo "$$old"; exit 1; }
	$(LINT) ./...
	cd e2e && go vet ./... && ../$(LINT) --config ../.golangci.yml ./...
	cd e2e/upstream && go vet ./... && ../../$(LINT) --config ../../.golangci.yml ./...
	cd e2e/judgement && go vet ./... && ../../$(LINT) --config ../../.golangci.yml ./...
	cd e2e/judgement/argo && go vet ./... # it links all of Kubernetes: linting it would take minutes

generate: tools ## write the CRD and the deepcopy functions anew
	@$(BIN)/controller-gen crd paths=./release/v1alpha1 output:crd:dir=$(if $(OUT),$(OUT)/crd,manifests/crd)
	@if test -n "$(OUT)"; then \
	  $(BIN)/controller-gen object paths=./release/v1alpha1 output:object:stdout > $(OUT)/release.go; \
	  $(BIN)/controller-gen object paths=./watch/lean output:object:stdout > $(OUT)/lean.go; \
	else $(BIN)/controller-gen object paths=./release/v1alpha1 paths=./watch/lean; fi

parts: ## build the real control plane that the scenarios run on; about 25 minutes on two cores, once
	@cd e2e && go run ./cmd/parts

e2e: parts ## the scenarios on the real control plane, and a short round of chaos
	cd e2e && go test -count=1 -timeout 60m -p 1 -parallel 3 $$(go list ./... | grep -v /chaos)
	@$(MAKE) chaos

chaos: parts ## crashes, cuts and faults for a minute, judged by an oracle; SEED=n plays a round again
	cd e2e && CHAOS_SEED=$(SEED) go test -count=1 -timeout 20m ./chaos

soak: parts ## the same for an hour, and bigger; ROUNDS=n or SECONDS=n bound it, SEED=n begins it
	cd e2e && CHAOS_SEED=$(SEED) CHAOS_ROUNDS=$(or $(ROUNDS),100000) CHAOS_SECONDS=$(or $(SECONDS),3600) CHAOS_RELEASES=300 CHAOS_DEPLOYMENTS=60 CHAOS_OVER=90 \
	  go test -count=1 -timeout 0 -v -run TestChaos ./chaos

upstream: ## our types of other projects' objects against those projects' own
	cd e2e/upstream && go test -count=1 ./...

judgement: ## what we call ready against what kubectl, kstatus, Argo CD and Argo Rollouts do; some minutes the first time
	cd e2e/judgement && go test -count=1 ./...

demo: ## the main job on a real control plane, told as it happens; KEEP=1 leaves it running
	@cd e2e && KEEP=$(KEEP) go run ./cmd/demo

bench: ## the benchmarks, and the latency on the real control plane
	go test -run '^$$' -bench . -benchmem -tags=$(TAGS) ./...
	cd e2e && go test -count=1 -timeout 60m -run '^$$' -bench . -benchtime 1x ./scenarios

image: build ## a container image with $(IMAGE)
	docker build -t $(or $(IMAGE),rollcall:$(VERSION)) .

tools: $(BIN)/stamp

# The linters and generators, at the versions that tools/go.mod pins.
$(BIN)/stamp: tools/go.mod tools/go.sum
	@mkdir -p $(BIN)
	@echo "building linters and generators (about 4 minutes the first time)"
	cd tools && go build -o ../$(BIN)/ github.com/golangci/golangci-lint/v2/cmd/golangci-lint mvdan.cc/gofumpt sigs.k8s.io/controller-tools/cmd/controller-gen
	@touch $@

clean: ## remove everything that was built
	rm -rf .cache bin
