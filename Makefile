# What is done often. Each target installs what it needs.

.PHONY: dev

# Serves on this machine with an embedded store and an issuer of its own, and prints a token that works.
# Not a release build: dependencies are optimised all the same, and the first start comes minutes earlier.
dev:
	cargo run --quiet -p dezky-host -- dev
