#!/usr/bin/env bash
# Write every generated file, or with --check fail when one differs from what it is derived from.
set -euo pipefail
cd "$(dirname "$0")/../.."
for derivation in operator/api/generate/main.ts operator/install/main.ts operator/docs/main.ts provider/docs/main.ts relay/docs/main.ts; do
  node "$derivation" "$@"
done
