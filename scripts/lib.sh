# Sourced by the scripts: says what happens, installs what is missing, and finds the folders.

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
cache=${XDG_CACHE_HOME:-$HOME/.cache}/hub
# Outside the clone, so that a second clone does not build every dependency again.
export CARGO_TARGET_DIR=${CARGO_TARGET_DIR:-$cache/target}
# Queries are checked against the committed .sqlx; a DATABASE_URL of the caller must not get in the way.
export SQLX_OFFLINE=true
unset DATABASE_URL
mkdir -p "$cache"

say() { printf '\033[1m%s\033[0m\n' "$*" >&2; }
die() { printf '\033[1;31m%s\033[0m\n' "$*" >&2; exit 1; }

as_root() {
  if [ "$(id -u)" = 0 ]; then
    "$@"
  elif command -v sudo >/dev/null; then
    sudo "$@"
  else
    die "This needs root: $* (run as root, or install sudo)."
  fi
}

# What a tool's presence looks like; the names are Debian packages.
has() {
  case $1 in
    postgresql) compgen -G '/usr/lib/postgresql/*/bin/initdb' >/dev/null || command -v initdb >/dev/null ;;
    build-essential) command -v cc >/dev/null && command -v make >/dev/null ;;
    lld) command -v ld.lld >/dev/null ;;
    nginx-light) command -v nginx >/dev/null ;;
    openssh-client) command -v ssh >/dev/null ;;
    clamav-daemon) command -v clamd >/dev/null || [ -x /usr/sbin/clamd ] ;;
    nodejs) command -v node >/dev/null ;;
    apache2-utils) command -v ab >/dev/null ;;
    python3-venv) python3 -c 'import ensurepip, venv' 2>/dev/null ;;
    ca-certificates) [ -e /etc/ssl/certs/ca-certificates.crt ] ;;
    *) command -v "$1" >/dev/null ;;
  esac
}

# packages NAME...: installs the Debian packages that are missing.
packages() {
  local missing=() name
  for name in "$@"; do has "$name" || missing+=("$name"); done
  [ ${#missing[@]} -eq 0 ] && return
  command -v apt-get >/dev/null || die "Please install what these Debian packages hold: ${missing[*]}"
  say "Installing ${missing[*]}"
  if [[ " ${missing[*]} " == *" postgresql "* ]] && [ ! -e /etc/postgresql-common/createcluster.conf ]; then
    # The hub runs its own cluster; the package need not start another on port 5432.
    as_root mkdir -p /etc/postgresql-common
    echo 'create_main_cluster = false' | as_root tee /etc/postgresql-common/createcluster.conf >/dev/null
  fi
  as_root apt-get update -qq
  as_root env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "${missing[@]}" >/dev/null
}

# Rust is not installed behind anybody's back: people choose their toolchain themselves.
need_rust() {
  [ -f "$HOME/.cargo/env" ] && . "$HOME/.cargo/env"
  command -v cargo >/dev/null ||
    die "Rust is missing. Install it from https://rustup.rs (curl -sSf https://sh.rustup.rs | sh), then run this again."
  local needed found
  needed=$(sed -n 's/^rust-version = "\(.*\)"/\1/p' "$root/Cargo.toml")
  found=$(cargo --version | cut -d' ' -f2)
  [ "$(printf '%s\n' "$needed" "$found" | sort -V | head -1)" = "$needed" ] ||
    die "Rust $needed or newer is needed, this is $found. Run \`rustup update stable\`."
}

# Starts a throw-away Postgres with an empty database; sets $test_database_url. Ends with this script, however it ends.
start_test_database() {
  local folder
  cargo build --quiet --package hub-embedded --example test_database
  folder=$(mktemp -d -p "$(quick_folder)")
  coproc TEST_DATABASE { trap '' INT; "$CARGO_TARGET_DIR/debug/examples/test_database" "$folder"; rm -rf "$folder"; }
  read -r test_database_url <&"${TEST_DATABASE[0]}" || die "The test database did not start."
}

# quick_folder: where files come and go quickly: in memory, if it has room. Each Rust test makes and drops a database of a thousand files,
# which takes 0.4 s of processor time on ext4 and 0.1 s there.
quick_folder() {
  local free
  free=$(df --output=avail --block-size=G /dev/shm 2>/dev/null | tail -n 1 | tr -dc 0-9)
  if [ "${free:-0}" -ge 6 ] && [ -w /dev/shm ]; then echo /dev/shm; else echo "${TMPDIR:-/tmp}"; fi
}

# Starts the stores for the Rust tests (SeaweedFS, Azurite, a gate that speaks as Google does), and exports where they are.
# They end with this script.
start_test_store() {
  local folder settings setting
  source "$root/tests/harness/environments.sh"
  venv tools "$root/tests/acceptance/requirements-tools.txt"
  node_modules "$root/tests/harness/azurite"
  folder=$(mktemp -d)
  coproc TEST_STORE { trap '' INT; WEED=$tests_cache/tools/bin/weed python3 "$root/tests/harness/store_for_tests.py" "$folder"; rm -rf "$folder"; }
  read -r settings <&"${TEST_STORE[0]}" || die "The test stores did not start."
  for setting in $settings; do declare -gx "$setting"; done
}

# need_cas_server: builds the CAS server that hf_xet is tested with, once for each version of its format that the hub uses,
# and exports where it is. Outside the workspace, whose lock file and features its 200 crates must not touch.
need_cas_server() {
  local version folder
  version=$(sed -n 's/^xet-core-structures = "=\(.*\)"/\1/p' "$root/Cargo.toml")
  folder=$cache/cas-server-$version
  export HUB_TEST_CAS_SERVER=$folder/bin/local_cas_server
  [ -x "$HUB_TEST_CAS_SERVER" ] && return
  say "Building local_cas_server of xet-client $version"
  CARGO_TARGET_DIR=$folder/target CARGO_PROFILE_DEV_DEBUG=0 cargo install --quiet --locked --debug --root "$folder" \
    --no-default-features --features simulation --bin local_cas_server "xet-client@$version"
  rm -rf "$folder/target"
}

# migrate_with_psql NAME: makes a database with the current schema, without the hub; prints its URL.
migrate_with_psql() {
  local url=${test_database_url/localhost\/hub/localhost\/$1} file
  psql -XqAt "$test_database_url" -c "create database $1"
  for file in "$root"/migrations/*.up.sql; do
    psql -Xq -v ON_ERROR_STOP=1 -1 "$url" -f "$file" >/dev/null || die "The migration $file does not run."
  done
  echo "$url"
}

# describe_queries FOLDER COMMAND...: runs a cargo command that checks every query against the current schema and
# writes what it finds to FOLDER, as sqlx-cli would.
describe_queries() {
  local folder=$1 url
  shift
  url=$(migrate_with_psql "describe_$$")
  rm -rf "$folder"
  mkdir -p "$folder"
  # The macros only run when the crate is compiled.
  touch "$root/crates/hub/src/lib.rs" "$root/crates/hub-types/src/lib.rs"
  SQLX_OFFLINE=false SQLX_OFFLINE_DIR=$folder DATABASE_URL=$url "$@"
}

# need_space GB: makes sure of so much room for what the tests write. SeaweedFS, for one, waits for ever below a hundredth of the disk.
# What cargo keeps only to build quicker goes first.
need_space() {
  local wanted=$1
  enough_space "$wanted" && return
  say "Less than $wanted GB are free: removing what cargo keeps to build quicker"
  rm -rf "$CARGO_TARGET_DIR"/*/incremental
  enough_space "$wanted" || die "The tests need $wanted GB in ${TMPDIR:-/tmp} and in $CARGO_TARGET_DIR. Free some, or name other folders by TMPDIR and CARGO_TARGET_DIR."
}

enough_space() {
  local folder free
  mkdir -p "$CARGO_TARGET_DIR"
  for folder in "${TMPDIR:-/tmp}" "$CARGO_TARGET_DIR"; do
    free=$(df --output=avail --block-size=G "$folder" | tail -n 1 | tr -dc 0-9)
    [ "$free" -ge "$1" ] || return 1
  done
}
