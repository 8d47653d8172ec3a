# collectord. `make run` and `make test` do all set-up on a Debian machine that has only Swift.
.DEFAULT_GOAL := help
SHELL := /bin/bash

PORT ?= 8080
SWIFT_FLAGS ?=
# They start real servers and wait for them, and would leave the others, and one another, no thread on two cores.
SERVER_TESTS = RedisStreamsDestinationTests collectordTests

.PHONY: help
help: ## List the targets.
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed 's/:.*##/\t/' | expand -t 16

.PHONY: setup
setup: ## Install the C libraries and redis-server where they are missing.
	@scripts/setup.sh

.PHONY: run
run: setup ## Build and run: events at http://localhost:8080/collect are printed.
	swift build -c release --product collectord
	.build/release/collectord run --port $(PORT)

.PHONY: test
test: setup ## Build and run all tests, in four parts.
	swift build --build-tests $(SWIFT_FLAGS)
	swift test --skip-build $(SWIFT_FLAGS) --filter HostileInputTests
	set -e; for part in $(SERVER_TESTS); do swift test --skip-build $(SWIFT_FLAGS) --filter "$$part"; done
	swift test --skip-build $(SWIFT_FLAGS) --skip 'HostileInputTests|RedisStreamsDestinationTests|collectordTests'

.PHONY: lint
lint: ## Check formatting and house rules.
	swift format lint --strict --recursive Package.swift Sources Tests Examples $(wildcard Benchmarks)
	scripts/soundness.sh

.PHONY: strict
strict: setup ## Build everything, warnings as errors.
	swift build --build-tests -Xswiftc -warnings-as-errors

.PHONY: example
example: setup ## Build the example service, and check that it brings no HTTP server along.
	scripts/check-example.sh

.PHONY: schema
schema: setup ## Write the JSON Schema of flow.json anew.
	swift run collectord schema > schema/flow.schema.json

.PHONY: bench
bench: setup ## Measure, and print tables of ratios against named peers.
	swift run -c release --package-path Benchmarks Benchmarks

.PHONY: allocations
allocations: setup ## Count allocations per event; fail when there are more than noted.
	@scripts/check-allocations.sh

.PHONY: fuzz
fuzz: setup ## Try a million mutated inputs of each kind; FUZZ_COUNT and FUZZ_SEED choose which.
	FUZZ_COUNT=$${FUZZ_COUNT:-1000000} FUZZ_SEED=$${FUZZ_SEED:-$$RANDOM$$RANDOM} \
		swift test $(SWIFT_FLAGS) --filter FuzzTests

.PHONY: soak
soak: setup ## Steady load with faults for an hour, or SOAK_SECONDS.
	SOAK_SECONDS=$${SOAK_SECONDS:-3600} swift test $(SWIFT_FLAGS) --filter SoakTests

.PHONY: crash-campaign
crash-campaign: setup ## Kill the daemon a thousand times (CRASH_ROUNDS), and at system calls up to the 300th (KILL_LAST).
	CRASH_ROUNDS=$${CRASH_ROUNDS:-1000} swift test $(SWIFT_FLAGS) --filter '/CrashTests'
	KILL_LAST=$${KILL_LAST:-300} swift test $(SWIFT_FLAGS) --filter SystemCallKillTests

.PHONY: format
format: ## Format all sources.
	swift format --in-place --recursive Package.swift Sources Tests Examples $(wildcard Benchmarks)
