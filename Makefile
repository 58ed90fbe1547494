# Every target installs what it needs: Rust by rustup, Node and Python by the system are all that must be there.
.PHONY: dev test soak bench lint fmt

# The main job on the embedded store: prints a token and a request that works. The development profile builds in a
# fraction of the time that the release profile takes.
dev:
	cargo run --quiet --package dezky-host -- dev

# All tests, on SQLite and on a real MongoDB-wire server that is installed, started and stopped here.
test:
	scripts/test.sh

# The long parts: the same tests with large numbers. Prints what was measured.
soak:
	scripts/soak.sh

bench:
	benches/run.sh

lint:
	scripts/lint.sh

fmt:
	cargo fmt --all
