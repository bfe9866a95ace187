//! Settings of how the hub is reached and served.

use super::{Form, HTTP, Setting, secret, setting};

pub(super) static SETTINGS: &[Setting] = &[
    setting(
        "data_dir",
        "HUB_DATA_DIR",
        "data",
        Form::Folder,
        "The folder for caches and, with nothing else configured, for the database and all files. Created when missing.",
    ),
    setting("listen", "HUB_LISTEN", "127.0.0.1:8080", Form::Address, "The address and port to serve on."),
    setting(
        "public_url",
        "HUB_PUBLIC_URL",
        "",
        HTTP,
        "The address that people and clients use, such as `https://hub.example.org`. Set it behind a proxy. Without it, \
         links are made from the `Host` header of each request.",
    ),
    setting(
        "role",
        "HUB_ROLE",
        "all",
        Form::Choice(&["all", "web", "cas", "jobs"]),
        "What this process does: `web` serves requests, `cas` only those to the store of chunks (`/xet`), `jobs` works \
         through background jobs, `all` does all of it. \
         `hub serve --role` wins over this.",
    ),
    setting(
        "hsts.days",
        "HUB_HSTS_DAYS",
        "365",
        Form::Number(0, 3650),
        "For how many days browsers refuse to come to the hub without TLS once they came by it (`Strict-Transport-Security`). \
         Said only where `HUB_PUBLIC_URL` begins with `https://`. 0: not said.",
    ),
    setting(
        "hsts.subdomains",
        "HUB_HSTS_SUBDOMAINS",
        "false",
        Form::Switch,
        "Whether that holds for all names below the hub's, too: set it where nothing there is served without TLS.",
    ),
    setting(
        "rate_limits.enabled",
        "HUB_RATE_LIMITS_ENABLED",
        "true",
        Form::Switch,
        "Whether requests are counted, on each node, and those above a limit answered with 429 and the headers `RateLimit` and \
         `Retry-After`, by which clients wait. Accounts are counted over all their tokens; everybody else by network address, \
         which is that of a proxy where `HUB_TRUSTED_PROXIES` does not name it. Requests of this machine itself without an \
         account are not counted.",
    ),
    setting(
        "rate_limits.window_secs",
        "HUB_RATE_LIMITS_WINDOW_SECS",
        "300",
        Form::Number(1, 86_400),
        "How long requests are counted before counting starts anew, in seconds.",
    ),
    setting(
        "rate_limits.api",
        "HUB_RATE_LIMITS_API",
        "20000",
        Form::Number(0, 1_000_000_000),
        "How many requests of the API, git and LFS an account may make in that time. 0: any number. The same for the others.",
    ),
    setting(
        "rate_limits.resolvers",
        "HUB_RATE_LIMITS_RESOLVERS",
        "100000",
        Form::Number(0, 1_000_000_000),
        "How many requests of files (`/resolve/`, `/raw/`) an account may make.",
    ),
    setting(
        "rate_limits.pages",
        "HUB_RATE_LIMITS_PAGES",
        "5000",
        Form::Number(0, 1_000_000_000),
        "How many pages an account may open.",
    ),
    setting(
        "rate_limits.anonymous_api",
        "HUB_RATE_LIMITS_ANONYMOUS_API",
        "10000",
        Form::Number(0, 1_000_000_000),
        "How many requests of the API, git and LFS may come from one network address without an account.",
    ),
    setting(
        "rate_limits.anonymous_resolvers",
        "HUB_RATE_LIMITS_ANONYMOUS_RESOLVERS",
        "50000",
        Form::Number(0, 1_000_000_000),
        "How many requests of files may come from one network address without an account.",
    ),
    setting(
        "rate_limits.anonymous_pages",
        "HUB_RATE_LIMITS_ANONYMOUS_PAGES",
        "2500",
        Form::Number(0, 1_000_000_000),
        "How many pages may be opened from one network address without an account.",
    ),
    setting(
        "design_page",
        "HUB_DESIGN_PAGE",
        "false",
        Form::Switch,
        "Whether everybody sees `/design`, the page of all components of the design system. Administrators always do.",
    ),
    setting(
        "drain_secs",
        "HUB_DRAIN_SECS",
        "0",
        Form::Number(0, 300),
        "How many seconds a stop goes on taking requests while `/readyz` says 503, so that a load balancer notices first.",
    ),
    setting(
        "shutdown_timeout_secs",
        "HUB_SHUTDOWN_TIMEOUT_SECS",
        "30",
        Form::Number(0, 3600),
        "How many seconds a stop waits for requests in hand before it drops them.",
    ),
    setting(
        "limits.body_silence_secs",
        "HUB_LIMITS_BODY_SILENCE_SECS",
        "60",
        Form::Number(0, 86_400),
        "How long a request may stop in the middle of its body, in seconds, before it is answered with 408 and gives back all that \
         it held. A slow one goes on as long as a little comes in that time. 0: for ever.",
    ),
    setting(
        "trusted_proxies",
        "HUB_TRUSTED_PROXIES",
        "127.0.0.0/8, ::1",
        Form::Networks,
        "The addresses or networks of proxies in front of the hub, separated by commas. Only what they say in \
         `X-Forwarded-For` is believed; everybody else is taken for the client.",
    ),
    secret(
        "metrics_token",
        "HUB_METRICS_TOKEN",
        Form::Text,
        "The Bearer token that `/metrics` asks for. Without it, only requests made on this machine, and not passed on \
         by a proxy, may read the metrics.",
    ),
    setting(
        "ssh.address",
        "HUB_SSH_ADDRESS",
        "",
        Form::Address,
        "The address and port to serve git by SSH on, such as `0.0.0.0:2222`. Not set: there is no git by SSH.",
    ),
    setting(
        "ssh.public_host",
        "HUB_SSH_PUBLIC_HOST",
        "",
        Form::Text,
        "The host by which people reach that address, when it is not that of the hub's pages.",
    ),
    setting(
        "ssh.public_port",
        "HUB_SSH_PUBLIC_PORT",
        "0",
        Form::Number(0, 65_535),
        "The port by which people reach that address. `0`: the port of `HUB_SSH_ADDRESS`.",
    ),
    setting(
        "limits.cache_gib",
        "HUB_LIMITS_CACHE_GIB",
        "20",
        Form::Number(1, 1_000_000),
        "How large this node's copies of git packs may grow, in GiB. Those not used for longest go first; those in use stay.",
    ),
    setting(
        "log.filter",
        "HUB_LOG",
        "info",
        Form::LogFilter,
        "What is logged: `error`, `warn`, `info`, `debug` or `trace`, also by part: `info,hub=debug,sqlx=debug`.",
    ),
    setting(
        "log.format",
        "HUB_LOG_FORMAT",
        "human",
        Form::Choice(&["human", "json"]),
        "The form of a log line: `human` for people (coloured on a terminal), `json` for machines.",
    ),
];
