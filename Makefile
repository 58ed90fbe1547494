# Every target installs what it needs: Rust by rustup, Node and Python by the system are all that must be there.
.PHONY: dev dev-component portal test soak fuzz bench docs lint fmt

# The main job on the embedded store: prints a token and requests that work. Compiles only what that needs.
dev:
	scripts/dev.sh

# The same, served by the sandboxed component.
dev-component:
	scripts/dev.sh --component

# The portal with a development provider and demonstration data: prints where to open it and whom to sign in as. PORT (3000) is where.
portal:
	scripts/portal.sh

# All tests, on SQLite and on a real MongoDB-wire server that is installed, started and stopped here.
test:
	scripts/test.sh

# The long parts: the same tests with large numbers. Prints what was measured.
soak:
	scripts/soak.sh

# Every fuzz target for 20 seconds; fuzz/README.md tells more.
fuzz:
	scripts/fuzz.sh

bench:
	benches/run.sh

# The documents as a site, with the references of API, commands, settings, events and errors: prints where it is.
docs:
	scripts/check-docs.sh

lint:
	scripts/lint.sh

fmt:
	cargo fmt --all
