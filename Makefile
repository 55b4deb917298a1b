.PHONY: help check test race lint fuzz bench chaos package update

help: ## list the targets
	@sed -n 's/^\([a-z]*\):.*## /\1\t/p' Makefile

check: ## everything that CI runs
	.ci/run

test: ## the tests
	go test ./...

race: ## the tests under the race detector
	go test -race -short ./...

lint: ## the linters (installed by .ci/run)
	.ci/bin/golangci-lint run ./...

fuzz: ## every fuzz target for two minutes, and a hundred kills
	.ci/nightly

bench: ## throughput side by side with a bare relay
	go run ./bench

chaos: ## half an hour of random trouble; ARGS="-gateways 3 -seed 1"
	go run ./chaos -for 30m $(ARGS)

package: ## Debian packages, into packaging/out
	packaging/build

update: ## rewrite golden outputs; never their inputs
	go test ./dialect/... -update
