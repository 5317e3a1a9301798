#!/usr/bin/env bash
# Installs the npm packages of the lockfile, once for each lockfile. Says what is missing and how to get it.
set -euo pipefail
cd "$(dirname "$0")/../.."

need() { # command, how to get it
  command -v "$1" >/dev/null 2>&1 || { echo "setup: $1 is missing: $2" >&2; exit 1; }
}
need node "install Node.js 20 or later, from nodejs.org or your package manager"
need npm "it comes with Node.js; on Debian: apt-get install npm"
need git "apt-get install git"
need terraform "install Terraform 1.11 or later: developer.hashicorp.com/terraform/install"
terraform=$(CHECKPOINT_DISABLE=1 terraform version 2>/dev/null | sed -n 's/^Terraform v//p' || true)
printf '1.11\n%s\n' "$terraform" | sort --version-sort --check=quiet ||
  { echo "setup: terraform ${terraform:-(it does not run)} is too old: install Terraform 1.11 or later" >&2; exit 1; }
major=$(node -p 'process.versions.node.split(".")[0]')
[ "$major" -ge 20 ] || { echo "setup: node $(node -v) is too old: install Node.js 20 or later" >&2; exit 1; }

stamp=node_modules/.migosmtp-lock
[ -w . ] || { echo "setup: $PWD is not writable: run as its owner or as root" >&2; exit 1; }
if ! cmp -s package-lock.json "$stamp" 2>/dev/null; then
  echo "setup: installing npm packages (npm ci)"
  npm ci --no-audit --no-fund --no-update-notifier --loglevel=error
  cp package-lock.json "$stamp"
fi
