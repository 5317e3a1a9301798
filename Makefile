# The two commands: `make demo` and `make test`. Both do all set-up; what they cache stands in ~/.cache/migosmtp.
SHELL := /bin/bash
.SHELLFLAGS := -eu -o pipefail -c
.DEFAULT_GOAL := help

.PHONY: help setup demo test test-long bench lint generate provider-install clean clean-all

help: ## List the targets
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 20

setup: ## Install what the repository needs (npm packages, pinned by the lockfile)
	@bash test/support/setup.sh

demo: setup ## The whole product on a real local control plane; KEEP=1 leaves it running
	@npm run -s demo -- $(if $(KEEP),--keep)

test: setup ## All suites, long ones reduced; SUITE=name runs one
	@npm run -s suites -- $(if $(SUITE),--suite $(SUITE))

test-long: setup ## All suites, long ones at full size
	@npm run -s suites -- --long $(if $(SUITE),--suite $(SUITE))

bench: setup ## The relay beside Postfix and Haraka; QUICK=1 for a look, PEERS=none without them, JSON=file
	@npm run -s bench -- relay $(if $(QUICK),--quick) $(if $(PEERS),--peers $(PEERS)) $(if $(JSON),--json $(JSON))

lint: setup ## Lint, format check, types, generated files
	@npm run -s lint && npm run -s typecheck && npm run -s generate -- --check

generate: setup ## Write the files that are derived from others
	@npm run -s generate

provider-install: setup ## Put the Terraform provider into the local mirror
	@npm run -s provider-install

clean: ## Remove what was built in this folder
	rm -rf node_modules dist provider/dist provider/constructs/dist examples/*/cdktf.out .state

clean-all: ## Also remove the cache, and the namespaces and processes of test clusters
	@cache="$${XDG_CACHE_HOME:-$$HOME/.cache}/migosmtp"; \
	if [ -n "$$(find "$$cache/clusters" -mindepth 1 -maxdepth 1 -type d 2>/dev/null)" ]; then \
	  bash test/support/setup.sh && npm run -s cluster -- clean-all; \
	elif [ -d "$$cache" ]; then \
	  echo "removing $$cache"; rm -rf "$$cache"; \
	fi
	@$(MAKE) -s clean
