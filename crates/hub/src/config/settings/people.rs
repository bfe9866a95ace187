//! Settings of accounts, what people may do, and what they are told.

use super::{Form, HTTP, PER_HOUR, Setting, secret, setting};

pub(super) static SETTINGS: &[Setting] = &[
    setting("open_signup", "HUB_OPEN_SIGNUP", "true", Form::Switch, "Whether strangers may make an account."),
    setting(
        "read_only",
        "HUB_READ_ONLY",
        "false",
        Form::Switch,
        "Whether nothing that people made is changed: for maintenance (docs/admin.md#read-only-operation). Set it for all \
         processes of a hub.",
    ),
    setting(
        "require_confirmed_email",
        "HUB_REQUIRE_CONFIRMED_EMAIL",
        "false",
        Form::Switch,
        "Whether people must open the link in a mail to their address before they can sign in. Administrators of the hub need \
         not. Without a mail server the mails lie in the folder `outbox` in the data folder.",
    ),
    setting(
        "oidc.issuer",
        "HUB_OIDC_ISSUER",
        "",
        HTTP,
        "The provider of OpenID Connect at which people can sign in (docs/sign-in.md), such as \
         `https://login.example.org/realms/acme`, exactly as it names itself in `issuer` of \
         `/.well-known/openid-configuration` under that address.",
    ),
    setting("oidc.client_id", "HUB_OIDC_CLIENT_ID", "", Form::Text, "The hub's client id at that provider."),
    secret(
        "oidc.client_secret",
        "HUB_OIDC_CLIENT_SECRET",
        Form::Text,
        "The secret of that client. Without it the hub is a public client, which PKCE alone protects.",
    ),
    setting(
        "oidc.client_secret_file",
        "HUB_OIDC_CLIENT_SECRET_FILE",
        "",
        Form::Text,
        "A file with that secret, if the secret itself is not set.",
    ),
    setting("oidc.name", "HUB_OIDC_NAME", "single sign-on", Form::Text, "What people call the provider: `Sign in with …`."),
    setting(
        "oidc.scopes",
        "HUB_OIDC_SCOPES",
        "profile email",
        Form::Text,
        "What the provider is asked for besides who somebody is, separated by spaces.",
    ),
    setting(
        "oidc.allowed_domains",
        "HUB_OIDC_ALLOWED_DOMAINS",
        "",
        Form::Text,
        "Domains, separated by commas: only people whose mail address there is confirmed by the provider sign in by it. Set it for \
         a provider at which everybody can have an account.",
    ),
    setting(
        "oidc.signup",
        "HUB_OIDC_SIGNUP",
        "true",
        Form::Switch,
        "Whether people whom the provider knows may make an account by signing in, also with `HUB_OPEN_SIGNUP=false`.",
    ),
    setting(
        "oidc.only",
        "HUB_OIDC_ONLY",
        "false",
        Form::Switch,
        "Whether nobody signs in with a password, in the browser or with git, and nobody makes an account but by the provider. Access \
         tokens go on working.",
    ),
    setting(
        "passwords.breached_file",
        "HUB_PASSWORDS_BREACHED_FILE",
        "",
        Form::Text,
        "A file of passwords that were in breaches, which nobody may choose: the SHA-1 hashes of Have I Been Pwned, sorted by hash, as \
         its downloader writes them into one file (docs/accounts.md). Every node that serves pages needs it.",
    ),
    setting(
        "limits.sign_in_tries",
        "HUB_LIMITS_SIGN_IN_TRIES",
        "20",
        Form::Number(0, 1_000_000),
        "How many wrong passwords for one account are taken from one network address in 15 minutes; ten times as many from one \
         address for all accounts, and for one account from all addresses. Counted on each node. 0: any number.",
    ),
    setting(
        "sessions.days",
        "HUB_SESSIONS_DAYS",
        "30",
        Form::Number(1, 400),
        "For how many days a browser stays logged in, at most.",
    ),
    setting(
        "sessions.idle_hours",
        "HUB_SESSIONS_IDLE_HOURS",
        "336",
        Form::Number(1, 9600),
        "For how many hours a browser that asks for nothing stays logged in. It is looked at every five minutes.",
    ),
    setting(
        "oauth.days",
        "HUB_OAUTH_DAYS",
        "90",
        Form::Number(1, 3650),
        "For how many days somebody stays signed in to an application (docs/oauth.md), at most; then they are asked again.",
    ),
    setting(
        "oauth.command_line_days",
        "HUB_OAUTH_COMMAND_LINE_DAYS",
        "365",
        Form::Number(1, 3650),
        "The same for `hf`, the command line.",
    ),
    setting(
        "publishers.issuers",
        "HUB_PUBLISHERS_ISSUERS",
        "github+https://token.actions.githubusercontent.com,gitlab+https://gitlab.com",
        Form::Text,
        "Who signs for jobs of CI that may be trusted publishers (docs/trusted-publishers.md), separated by commas: addresses of \
         issuers of OpenID Connect, exactly as they name themselves. `github+` and `gitlab+` before one say what its claims are \
         called; of others the subject counts. One that is not public has to be allowed by `HUB_WEBHOOKS_ALLOW`. `off`: nobody is \
         trusted.",
    ),
    secret(
        "mail.smtp_url",
        "HUB_MAIL_SMTP_URL",
        Form::Url(&["smtp", "smtps"]),
        "The server that takes mail, such as `smtps://hub:password@mail.example.org`, or \
         `smtp://hub:password@mail.example.org:587?tls=required` for STARTTLS. Without it, mails are kept in `outbox` of the data \
         folder, as files that mail programs open.",
    ),
    setting("mail.from", "HUB_MAIL_FROM", "", Form::Text, "Who sends mail, such as `Hub <hub@example.org>`."),
    setting(
        "alerts.every_secs",
        "HUB_ALERTS_EVERY_SECS",
        "300",
        Form::Number(1, 86_400),
        "How often new repositories are looked for in saved searches that have alerts, in seconds.",
    ),
    setting(
        "webhooks.allow",
        "HUB_WEBHOOKS_ALLOW",
        "",
        Form::Targets,
        "Networks, addresses and names of hosts, separated by commas, that webhooks may be sent to although they are not public, \
         such as `10.1.0.0/16, ci.example.org`. Everything there can then be sent requests by every user of the hub, who is also \
         shown how its answers begin.",
    ),
    setting(
        "webhooks.only_allowed",
        "HUB_WEBHOOKS_ONLY_ALLOWED",
        "false",
        Form::Switch,
        "Whether webhooks go only to what `HUB_WEBHOOKS_ALLOW` lists, and not to other public addresses. The same holds for whatever \
         else the hub asks where a user says: proofs of mail domains, and the issuers of `HUB_PUBLISHERS_ISSUERS`.",
    ),
    setting(
        "domains.proof_url",
        "HUB_DOMAINS_PROOF_URL",
        "https://{domain}/.well-known/hub-domain-challenge.txt",
        Form::Text,
        "Where the file is that proves a mail domain to be an organization's; `{domain}` stands for it. In a closed network it can \
         be one server that the operator keeps, such as `https://proofs.example.org/{domain}.txt`, which `HUB_WEBHOOKS_ALLOW` has \
         to allow where it is not public.",
    ),
    setting(
        "domains.nameserver",
        "HUB_DOMAINS_NAMESERVER",
        "",
        Form::Address,
        "The address and port of the name server that is asked for the record `_hub-challenge.example.org`, which proves a mail \
         domain as well, such as `10.1.0.53:53`. Not set: the system's name servers, those of `/etc/resolv.conf`.",
    ),
    setting(
        "undo.days",
        "HUB_UNDO_DAYS",
        "30",
        Form::Number(1, 36_500),
        "For how many days what was done to repositories can be undone: deletions, moves, forced pushes, deleted branches and tags, \
         squashed histories, visibility and gating. As long is everything kept that this needs.",
    ),
    setting(
        "fetch_ledger.days",
        "HUB_FETCH_LEDGER_DAYS",
        "365",
        Form::Number(0, 36_500),
        "For how many days it is kept which account fetched which large file, table, pickle or script, and cloned which repository, \
         so that it can be told when one is recalled. `0`: it is not kept, and what was kept goes.",
    ),
    setting(
        "audit.keep_days",
        "HUB_AUDIT_KEEP_DAYS",
        "0",
        Form::Number(0, 36_500),
        "For how many days lines of the audit log are kept; they go in no other way. `0`: for ever.",
    ),
    setting(
        "rules.new_account_days",
        "HUB_RULES_NEW_ACCOUNT_DAYS",
        "0",
        Form::Number(0, 3650),
        "For how many days an account is new, and the rules look at what it does. `0`: there are no rules. Worth it where strangers \
         sign up.",
    ),
    setting(
        "rules.repos_per_hour",
        "HUB_RULES_REPOS_PER_HOUR",
        "20",
        PER_HOUR,
        "How many repositories a new account makes. `0`: any number.",
    ),
    setting(
        "rules.discussions_per_hour",
        "HUB_RULES_DISCUSSIONS_PER_HOUR",
        "10",
        PER_HOUR,
        "How many discussions and pull requests it opens.",
    ),
    setting("rules.comments_per_hour", "HUB_RULES_COMMENTS_PER_HOUR", "30", PER_HOUR, "How many comments it writes."),
    setting("rules.mentions_per_hour", "HUB_RULES_MENTIONS_PER_HOUR", "30", PER_HOUR, "How many people it mentions."),
    setting("rules.invitations_per_hour", "HUB_RULES_INVITATIONS_PER_HOUR", "20", PER_HOUR, "How many invitations it sends."),
    setting(
        "rules.organizations_per_hour",
        "HUB_RULES_ORGANIZATIONS_PER_HOUR",
        "5",
        PER_HOUR,
        "How many organizations it makes.",
    ),
    setting(
        "rules.links",
        "HUB_RULES_LINKS",
        "3",
        Form::Number(0, 1_000),
        "How many links to elsewhere a comment of a new account may have: one with more is hidden until a moderator has looked at it. \
         A card with more is reported. `0`: any number.",
    ),
    setting(
        "rules.copies",
        "HUB_RULES_COPIES",
        "5",
        Form::Number(0, 1_000),
        "When new accounts have said the same so often within a week, it is reported. `0`: never.",
    ),
    setting(
        "rules.alike",
        "HUB_RULES_ALIKE",
        "5",
        Form::Number(0, 1_000),
        "When so many new accounts have said nearly the same within a week, in comments or cards, it is reported. Cards that training \
         programs write are much alike, too. `0`: never.",
    ),
    setting(
        "rules.empty_repos",
        "HUB_RULES_EMPTY_REPOS",
        "10",
        Form::Number(0, 1_000),
        "A new account that has made so many public repositories with nothing in them is reported: it may be taking names. `0`: never.",
    ),
    setting(
        "rules.names",
        "HUB_RULES_NAMES",
        "",
        Form::Text,
        "Names that are known outside of the hub, separated by commas: users and organizations whose names or full names look like one \
         of them are reported to moderators, also where there are no rules (docs/moderation.md).",
    ),
    setting(
        "trending.account_days",
        "HUB_TRENDING_ACCOUNT_DAYS",
        "7",
        Form::Number(0, 3650),
        "How many days old an account must be when it likes something, for that like to count for the trending score \
         (docs/trending.md). `0`: any account's likes count.",
    ),
];
