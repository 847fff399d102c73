# `make run` builds Loupe and serves it with a demo store; `make test` checks everything.
# Both fetch what they need. CARGO_TARGET_DIR is honoured.

.PHONY: help run build test watch bench bench-peers chaos

help:
	@echo 'make run    build, fill the demo store on first start, and serve it'
	@echo 'make build  the release binary and the site it serves'
	@echo 'make test   format, lints, tests on both databases, browser tests'
	@echo 'make watch  build and restart on every change (needs cargo-leptos)'
	@echo 'make bench  measure sending and counting, up to a million people (ROUNDS=5)'
	@echo 'make bench-peers  what others would use for the same work, beside it (ROUNDS=3)'
	@echo 'make chaos  kill, stop and starve it while it sends, and count copies (ROUNDS=20)'

run:
	@.make/run.sh

build:
	@.make/build.sh release

test:
	@.make/test.sh

watch:
	@cargo leptos watch

bench:
	@.make/bench.sh $(if $(ROUNDS),--rounds $(ROUNDS))

bench-peers:
	@.make/bench-peers.sh $(if $(ROUNDS),--rounds $(ROUNDS))

chaos:
	@.make/chaos.sh --rounds $(or $(ROUNDS),20)
