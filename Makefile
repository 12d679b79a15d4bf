# Spean: everything in one word each. Needs Rust, Python 3 with pip, and GNU make; the rest is fetched into .tools/.

PYTHON ?= python3
CARGO ?= cargo

.PHONY: help demo test fuzz model model-mutations lint codes powercut chaos soak compare-loss bench clients screenshots tools clean

help: ## what there is
	@grep -E '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/^([a-z-]+):.*## (.*)/  make \1\t\2/' | expand -t 16

demo: ## the main job on real figures, with an account at the end (DATA=folder, KEEP=1, JSON=1)
	@nats_server="$$($(PYTHON) scripts/tools.py nats-server)" && \
	$(CARGO) build --workspace --bin spean-agent --bin spean-gateway --bin demo && \
	NATS_SERVER="$$nats_server" "$${CARGO_TARGET_DIR:-target}/debug/demo" $(if $(KEEP),--keep) $(if $(JSON),--json) $(if $(DATA),--data "$(DATA)")

test: tools ## every test, end to end against a real nats-server 2.15.1
	@nats_server="$$($(PYTHON) scripts/tools.py nats-server --exactly)" && \
	$(CARGO) build --workspace --bins && \
	NATS_SERVER="$$nats_server" $(CARGO) test --workspace

fuzz: ## signed events of every wrong kind against gateway and reader (RUNS=100000, SEED=; a short one is part of make test)
	@FUZZ_RUNS="$(or $(RUNS),100000)" $(if $(SEED),SEED="$(SEED)") $(CARGO) test --workspace --test fuzz -- --nocapture

model: ## random runs of the protocol's own parts against a reference, shortened where one fails (RUNS=1000 of each kind, SEED=, ONLY=name)
	@MODEL_RUNS="$(or $(RUNS),1000)" $(if $(SEED),SEED="$(SEED)") $(CARGO) test --workspace --test model -- --nocapture $(ONLY)

model-mutations: ## known mistakes, put into a copy one at a time: does the model catch each? (RUNS=25, SEED=, ONLY=names; some minutes)
	@$(if $(RUNS),RUNS="$(RUNS)") $(if $(SEED),SEED="$(SEED)") CARGO="$(CARGO)" $(PYTHON) scripts/model_mutations.py $(ONLY)

lint: ## format, clippy, the tidy test, dependencies, compose.yaml
	@$(CARGO) fmt --all --check
	@$(CARGO) clippy --workspace --all-targets -- -D warnings
	@$(CARGO) test --quiet --workspace --test it tidy::
	@sh scripts/dependencies.sh
	@sh scripts/compose_syntax.sh

codes: ## docs/codes.md, written from the enums of the codes
	@GOLDEN=write $(CARGO) test --quiet --workspace --test it the_document_of_the_codes

powercut: ## the power goes, a storage call fails: is all there that was promised? (PART=replay, calls or live; QUICK=1, SEED=, STATES=)
	@nats_server="$$($(PYTHON) scripts/tools.py nats-server --exactly)" && \
	$(CARGO) build --workspace --bins && \
	RUST_BACKTRACE=0 NATS_SERVER="$$nats_server" "$${CARGO_TARGET_DIR:-target}/debug/powercut" $(or $(PART),replay) \
		$(if $(QUICK),--quick) $(if $(SEED),--seed "$(SEED)") $(if $(STATES),--states "$(STATES)")

bench: ## the figures of docs/benchmarks.md, measured here (PART=names, QUICK=1, JSON=1, MARKDOWN=file; PART=abuse: docs/abuse.md, ONLY=names)
	@nats_server="$$($(PYTHON) scripts/tools.py nats-server --exactly)" && \
	$(CARGO) build --release --workspace --bin bench --bin spean-agent --bin spean-gateway && \
	NATS_SERVER="$$nats_server" "$${CARGO_TARGET_DIR:-target}/release/bench" $(PART) \
		$(if $(ONLY),--only "$(ONLY)") $(if $(QUICK),--quick) $(if $(JSON),--json) $(if $(MARKDOWN),--markdown "$(MARKDOWN)")

chaos: ## everything broken that can break, with a verdict (SEED=1, ONLY=names, WITHOUT=names, QUICK=1, RESUME=1, JOBS=n, LIST=1, JSON=1, MARKDOWN=file)
	@sh scripts/chaos_tools.sh
	@nats_server="$$($(PYTHON) scripts/tools.py nats-server --exactly)" && \
	$(CARGO) build --workspace --bins && \
	NATS_SERVER="$$nats_server" "$${CARGO_TARGET_DIR:-target}/debug/chaos" --seed $(or $(SEED),1) --jobs $(or $(JOBS),$(if $(QUICK),3,2)) \
		$(if $(ONLY),--only "$(ONLY)") $(if $(WITHOUT),--without "$(WITHOUT)") $(if $(QUICK),--quick) $(if $(RESUME),--resume) $(if $(LIST),--list) $(if $(JSON),--json) \
		$(if $(MARKDOWN),--markdown "$(MARKDOWN)")

soak: ## a day in fast motion, faults of all families: lost, doubled, changed 0 and memory flat? (MINUTES=60, QUICK=1: three minutes, SEED=, FOLDERS=1)
	@sh scripts/chaos_tools.sh
	@nats_server="$$($(PYTHON) scripts/tools.py nats-server --exactly)" && \
	$(CARGO) build --workspace --bins && \
	NATS_SERVER="$$nats_server" "$${CARGO_TARGET_DIR:-target}/debug/chaos" --seed $(or $(SEED),1) \
		--lasts-s $$(( $(or $(MINUTES),$(if $(QUICK),3,60)) * 60 )) $(if $(QUICK),--quick) $(if $(FOLDERS),--folders) $(if $(JSON),--json)

compare-loss: ## the same faults on a stock NATS leaf node and on Spean: lost, doubled, unseen (ONLY=names, JSON=1, MARKDOWN=file; 20 minutes)
	@nats_server="$$($(PYTHON) scripts/tools.py nats-server --exactly)" && \
	$(CARGO) build --workspace --bins && \
	NATS_SERVER="$$nats_server" "$${CARGO_TARGET_DIR:-target}/debug/compare" \
		$(if $(ONLY),--only "$(ONLY)") $(if $(JSON),--json) $(if $(MARKDOWN),--markdown "$(MARKDOWN)")

clients: tools ## stock NATS clients through the gateway, row by row (MARKDOWN=file, WITHOUT_CLIENTS=names)
	@nats_server="$$($(PYTHON) scripts/tools.py nats-server --exactly)" && \
	$(CARGO) build --workspace --bins && \
	NATS_SERVER="$$nats_server" $(if $(MARKDOWN),CLIENTS_MARKDOWN="$(abspath $(MARKDOWN))") \
		$(CARGO) test --workspace --test it clients::

screenshots: ## the desk's pages in both languages, into docs/pictures (needs chromium and chromium-driver)
	@nats_server="$$($(PYTHON) scripts/tools.py nats-server --exactly)" && $(PYTHON) scripts/tools.py browser && \
	$(CARGO) build --workspace --bins && \
	NATS_SERVER="$$nats_server" BROWSER=required PICTURES="$(CURDIR)/docs/pictures" \
		$(CARGO) test --workspace --test browser

tools: ## nats-server, the stock clients, what tries the HTTP interface and the desk's pages, into .tools/
	@$(PYTHON) scripts/tools.py nats-server --exactly >/dev/null
	@$(PYTHON) scripts/tools.py stock-clients
	@$(PYTHON) scripts/tools.py interface >/dev/null
	@$(PYTHON) scripts/tools.py browser

clean: ## everything that was built or fetched
	@$(CARGO) clean
	@rm -rf .tools .demo
