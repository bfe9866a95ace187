//! Settings of the database, the store, and what lies in them.

use super::{Form, HTTP, Setting, secret, setting};

pub(super) static SETTINGS: &[Setting] = &[
    setting(
        "search.meili_url",
        "MEILI_URL",
        "",
        HTTP,
        "The Meilisearch that lists and searches are answered by, such as `http://meilisearch:7700`; all nodes share it. Without it, \
         each node has a search index of its own in its data folder.",
    ),
    secret("search.meili_key", "MEILI_MASTER_KEY", Form::Text, "The key that this Meilisearch asks for."),
    setting(
        "scan.enabled",
        "HUB_SCAN",
        "true",
        Form::Switch,
        "Whether files that were pushed are looked at for secrets, dangerous pickles and other code (docs/scanning.md).",
    ),
    setting(
        "scan.sandbox",
        "HUB_SCAN_SANDBOX",
        "true",
        Form::Switch,
        "Whether that is done, and checkpoints that are converted are read, in processes of their own, which can open no file and no \
         connection (docs/scanning.md). With `false` the hub does it itself.",
    ),
    setting(
        "scan.clamd",
        "HUB_CLAMD",
        "",
        Form::Text,
        "The ClamAV daemon that looks at pushed files, too: `host:port`, or the path of its socket. Without it, malware is \
         not looked for.",
    ),
    setting(
        "scan.clamd_max_mib",
        "HUB_CLAMD_MAX_MIB",
        "100",
        Form::Number(1, 1_000_000),
        "The largest file that ClamAV is sent, in MiB. Its own `StreamMaxLength` must not be smaller.",
    ),
    secret(
        "database.url",
        "DATABASE_URL",
        Form::Url(&["postgres", "postgresql"]),
        "The Postgres database (15 or newer), such as `postgres://hub:password@db.example.org/hub`; `?sslmode=verify-full` at its \
         end asks for TLS (docs/production.md). Without it, the hub runs a private Postgres in its data folder, from the system's \
         PostgreSQL.",
    ),
    setting(
        "database.max_connections",
        "HUB_DATABASE_MAX_CONNECTIONS",
        "24",
        Form::Number(2, 1000),
        "The most connections that this process opens to the database.",
    ),
    setting(
        "database.migrate_on_start",
        "HUB_DATABASE_MIGRATE_ON_START",
        "true",
        Form::Switch,
        "Whether `hub serve` brings the schema up to date itself. With `false` it refuses to start until `hub migrate` has run.",
    ),
    setting(
        "s3.endpoint",
        "HUB_S3_ENDPOINT",
        "",
        HTTP,
        "The S3-compatible service, such as `https://s3.eu-central-1.amazonaws.com`. With it, all files live in the \
         bucket; without it, in the data folder.",
    ),
    setting(
        "s3.public_endpoint",
        "HUB_S3_PUBLIC_ENDPOINT",
        "",
        HTTP,
        "The same service as clients reach it, when that is another address than `s3.endpoint`. Clients upload and \
         download there directly.",
    ),
    setting("s3.bucket", "HUB_S3_BUCKET", "", Form::Text, "The bucket. Created when missing, if the key may."),
    setting("s3.region", "HUB_S3_REGION", "us-east-1", Form::Text, "The region to sign requests for."),
    setting("s3.access_key_id", "HUB_S3_ACCESS_KEY_ID", "", Form::Text, "The id of the access key."),
    secret("s3.secret_access_key", "HUB_S3_SECRET_ACCESS_KEY", Form::Text, "The secret of the access key."),
    setting(
        "s3.path_style",
        "HUB_S3_PATH_STYLE",
        "true",
        Form::Switch,
        "`true` for `endpoint/bucket/key`, which most services speak; `false` for `bucket.endpoint/key`.",
    ),
    setting(
        "azure.account",
        "HUB_AZURE_ACCOUNT",
        "",
        Form::Text,
        "The storage account at Azure. With it, all files live in a container of Azure Blob Storage.",
    ),
    setting("azure.container", "HUB_AZURE_CONTAINER", "", Form::Text, "The container. Created when missing."),
    secret("azure.access_key", "HUB_AZURE_ACCESS_KEY", Form::Text, "A key of the storage account, in Base64."),
    setting(
        "azure.endpoint",
        "HUB_AZURE_ENDPOINT",
        "",
        HTTP,
        "The address of the account's blobs, when it is not `https://<account>.blob.core.windows.net`.",
    ),
    setting(
        "azure.public_endpoint",
        "HUB_AZURE_PUBLIC_ENDPOINT",
        "",
        HTTP,
        "The same as clients reach it, when that is another address. Clients download there directly.",
    ),
    setting(
        "gcs.bucket",
        "HUB_GCS_BUCKET",
        "",
        Form::Text,
        "The bucket of Google Cloud Storage, which must exist. With it, all files live there.",
    ),
    setting(
        "gcs.key_file",
        "HUB_GCS_KEY_FILE",
        "",
        Form::Text,
        "The file with the key of a service account, in JSON. Without it, the machine's own service account is used.",
    ),
    setting(
        "gcs.endpoint",
        "HUB_GCS_ENDPOINT",
        "",
        HTTP,
        "The address of the service, when it is not Google's own. Clients download there directly.",
    ),
    setting(
        "limits.inline_mib",
        "HUB_LIMITS_INLINE_MIB",
        "10",
        Form::Number(1, 1024),
        "The largest file that git itself may hold, in MiB. Larger files must come through Git LFS.",
    ),
    setting(
        "limits.bucket_gib",
        "HUB_LIMITS_BUCKET_GIB",
        "0",
        Form::Number(0, 1_000_000_000),
        "The most that all files of one bucket may take together, in GiB. `0`: no limit.",
    ),
    setting(
        "limits.owner_buckets_gib",
        "HUB_LIMITS_OWNER_BUCKETS_GIB",
        "0",
        Form::Number(0, 1_000_000_000),
        "The most that all buckets of one account or organization may take together, in GiB. `0`: no limit.",
    ),
    setting(
        "limits.owner_storage_gib",
        "HUB_LIMITS_OWNER_STORAGE_GIB",
        "0",
        Form::Number(0, 1_000_000_000),
        "The most that all repositories of one account or organization may take together, in GiB: large files and git history. \
         Administrators set other limits for single ones. `0`: no limit.",
    ),
    setting(
        "lfs.multipart_above_mib",
        "HUB_LFS_MULTIPART_ABOVE_MIB",
        "256",
        Form::Number(1, 5120),
        "Large files above this size, in MiB, are uploaded in parts by clients that know how.",
    ),
    setting(
        "lfs.part_mib",
        "HUB_LFS_PART_MIB",
        "32",
        Form::Number(5, 5120),
        "The size of such a part, in MiB. Parts grow when a file would need more than 1000 of them.",
    ),
    setting(
        "xet.enabled",
        "HUB_XET_ENABLED",
        "true",
        Form::Switch,
        "Whether clients are led to Xet, the protocol that moves large files in chunks. With `false` they download by plain \
         HTTP. (Users and repositories have a switch of their own.)",
    ),
    setting(
        "xet.url",
        "HUB_XET_URL",
        "",
        HTTP,
        "Where clients reach the store of chunks, such as `https://cas.example.org`, when processes with the role `cas` serve \
         it at another address. Changing it makes clients forget what they know of chunks.",
    ),
    setting(
        "xet.plain_days",
        "HUB_XET_PLAIN_DAYS",
        "0",
        Form::Number(0, 36_500),
        "After how many days in chunks the whole copy of a large file is dropped, which frees its space; clients that do not \
         speak Xet then get it put together by the hub, also with S3. `0` keeps whole copies for ever.",
    ),
    setting(
        "xet.read_token_secs",
        "HUB_XET_READ_TOKEN_SECS",
        "900",
        Form::Number(5, 86_400),
        "For how many seconds a client may read chunks before it must ask for leave again, which it does by itself. Clients \
         renew half a minute early: below 60 they ask before nearly every request.",
    ),
    setting("xet.write_token_secs", "HUB_XET_WRITE_TOKEN_SECS", "3600", Form::Number(5, 86_400), "The same for sending chunks."),
    setting(
        "xet.stall_secs",
        "HUB_XET_STALL_SECS",
        "30",
        Form::Number(1, 3600),
        "After how many seconds in which a client takes no byte of a download in chunks `/metrics` counts it as stalled.",
    ),
    setting(
        "gc.unused_days",
        "HUB_GC_UNUSED_DAYS",
        "7",
        Form::Number(1, 36_500),
        "For how many days a repository keeps a large file that none of its branches and tags names, now or before a change that \
         can be undone (`undo.days`): the time between an upload and its commit.",
    ),
    setting(
        "gc.quarantine_days",
        "HUB_GC_QUARANTINE_DAYS",
        "3",
        Form::Number(1, 36_500),
        "For how many days large files and chunks are kept that nobody needs any more, in case somebody comes to need them again.",
    ),
];
