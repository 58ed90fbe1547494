#!/usr/bin/env bash
# Rehearses the scale-out in its short form: outcomes are held, times are not.
# shellcheck source=infrastructure/checks.sh
source "$(dirname "$0")/../checks.sh"

infrastructure/scale-out/rehearse.sh short
