use super::*;

fn examine(environment: &[(&str, &str)]) -> (Config, Problems) {
    let given = environment.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
    let (config, _, problems) = Config::examine(given);
    (config, problems)
}

fn with_file(toml: &str, environment: &[(&str, &str)]) -> (Config, Problems) {
    let dir = tempfile::tempdir().unwrap();
    std::fs::write(dir.path().join("hub.toml"), toml).unwrap();
    let data_dir = dir.path().to_str().unwrap();
    examine(&[&[("HUB_DATA_DIR", data_dir)], environment].concat())
}

#[test]
fn nothing_set_is_a_whole_hub() {
    let (config, problems) = examine(&[]);
    assert_eq!(problems.to_string(), "");
    assert_eq!(config.data_dir, PathBuf::from("data"));
    assert_eq!(config.listen.to_string(), "127.0.0.1:8080");
    assert!(config.database_url.is_none() && config.open_signup && config.migrate_on_start);
    assert_eq!(config.inline_limit_bytes, 10 * 1024 * 1024);
    assert!(matches!(config.store, StoreConfig::Local { dir } if dir.ends_with("data/store")));
}

#[test]
fn every_default_is_a_value_that_fits() {
    let mut given = all_settings().map(|setting| (setting.env, setting.default)).collect::<Vec<_>>();
    let needed = ["HUB_S3_BUCKET", "HUB_S3_ACCESS_KEY_ID", "HUB_S3_SECRET_ACCESS_KEY"];
    given.extend(needed.map(|name| (name, "given")));
    given.push(("HUB_S3_ENDPOINT", "http://store:8333"));
    assert_eq!(examine(&given).1.to_string(), "");
}

#[test]
fn browsers_are_told_of_tls_where_people_come_by_it() {
    let told = |environment: &[(&str, &str)]| examine(environment).0.hsts;
    let https = ("HUB_PUBLIC_URL", "https://hub.example.org");
    assert_eq!(told(&[]), None);
    assert_eq!(told(&[("HUB_PUBLIC_URL", "http://hub.example.org")]), None);
    assert_eq!(told(&[https]).as_deref(), Some("max-age=31536000"));
    let wide = [https, ("HUB_HSTS_DAYS", "730"), ("HUB_HSTS_SUBDOMAINS", "true")];
    assert_eq!(told(&wide).as_deref(), Some("max-age=63072000; includeSubDomains"));
    assert_eq!(told(&[https, ("HUB_HSTS_DAYS", "0")]), None);
}

#[test]
fn a_variable_wins_over_the_file() {
    let toml = "listen = \"0.0.0.0:1\"\nopen_signup = false\n[database]\nmax_connections = 5\n[log]\nformat = \"json\"";
    let (config, problems) = with_file(toml, &[("HUB_LISTEN", "0.0.0.0:2"), ("HUB_ROLE", "")]);
    assert_eq!(problems.to_string(), "");
    assert_eq!(config.listen.port(), 2);
    assert_eq!(config.role, Role::All);
    assert!(!config.open_signup);
    assert_eq!(config.database_max_connections, 5);
    assert_eq!(config.log.format, LogFormat::Json);
}

#[test]
fn all_mistakes_are_told_at_once() {
    let toml = "lisen = \"x\"\n[s3]\nbuckte = \"b\"\n[database]\nmax_connections = [1]";
    let environment = [("HUB_LISTEN", "8080"), ("HUB_ROLE", "worker"), ("HUB_OPEN_SIGNUP", "maybe"), ("HUB_LOGS", "debug")];
    let (_, problems) = with_file(toml, &environment);
    let text = problems.to_string();
    assert!(problems.has_errors());
    for part in [
        "`lisen` in",
        "Did you mean `listen`?",
        "Did you mean `s3.bucket`?",
        "`HUB_LISTEN` must be an address and a port",
        "not `8080`",
        "`HUB_ROLE` must be one of `all`, `web`, `cas`, `jobs`, not `worker`",
        "`HUB_OPEN_SIGNUP` must be `true` or `false`, not `maybe`",
        "`database.max_connections` in",
        "warning: The variable `HUB_LOGS` is not a setting and has no effect. Did you mean `HUB_LOG`?",
    ] {
        assert!(text.contains(part), "{part} is not in:\n{text}");
    }
}

#[test]
fn lifetimes_of_tokens_are_bounded_and_short_ones_are_doubted() {
    let (config, problems) = examine(&[("HUB_XET_READ_TOKEN_SECS", "5"), ("HUB_XET_WRITE_TOKEN_SECS", "60")]);
    assert_eq!((config.xet_read_token_secs, config.xet_write_token_secs), (5, 60));
    assert!(!problems.has_errors());
    let text = problems.to_string();
    assert!(text.starts_with("warning: `HUB_XET_READ_TOKEN_SECS` = 5 is short: clients renew"), "{text}");
    assert!(!text.contains("WRITE"), "{text}");

    let (config, problems) = examine(&[("HUB_XET_READ_TOKEN_SECS", "4"), ("HUB_XET_WRITE_TOKEN_SECS", "86401")]);
    assert_eq!((config.xet_read_token_secs, config.xet_write_token_secs), (900, 3600));
    let text = problems.to_string();
    for part in ["`HUB_XET_READ_TOKEN_SECS` must be a whole number from 5 to 86400, not `4`", "not `86401`"] {
        assert!(text.contains(part), "{part} is not in:\n{text}");
    }
}

#[test]
fn half_of_s3_is_refused_and_says_what_is_missing() {
    let (_, problems) = examine(&[("HUB_S3_BUCKET", "b"), ("HUB_S3_ENDPOINT", "http://store:8333")]);
    let text = problems.to_string();
    assert!(text.contains("`HUB_S3_ACCESS_KEY_ID`, `HUB_S3_SECRET_ACCESS_KEY` are not"), "{text}");
    let (_, problems) = examine(&[("HUB_S3_REGION", "eu")]);
    assert!(problems.to_string().contains("S3 is half configured: `HUB_S3_REGION` is set"), "{problems}");
}

#[test]
fn files_are_in_one_place_only() {
    let azure = [("HUB_AZURE_ACCOUNT", "ada"), ("HUB_AZURE_CONTAINER", "models"), ("HUB_AZURE_ACCESS_KEY", "aHVudGVyMg==")];
    let (config, problems) = examine(&azure);
    assert!(!problems.has_errors(), "{problems}");
    assert_eq!(config.store.place(), "container models at https://ada.blob.core.windows.net");
    let (config, problems) = examine(&[("HUB_GCS_BUCKET", "models")]);
    assert!(!problems.has_errors(), "{problems}");
    assert_eq!(config.store.place(), "bucket models at Google Cloud Storage");
    for (half, said) in
        [(&azure[..2], "`HUB_AZURE_ACCESS_KEY` is not"), (&[("HUB_GCS_KEY_FILE", "key.json")][..], "`HUB_GCS_BUCKET` is not")]
    {
        let (_, problems) = examine(half);
        assert!(problems.has_errors() && problems.to_string().contains(said), "{problems}");
    }
    let (_, problems) = examine(&[&azure[..], &[("HUB_GCS_BUCKET", "models")]].concat());
    assert!(problems.to_string().contains("Azure and Google Cloud Storage are both set"), "{problems}");
}

#[test]
fn mail_needs_a_server_and_a_sender() {
    let (config, problems) = examine(&[("HUB_MAIL_FROM", "Hub <hub@example.org>")]);
    assert!(
        config.mail.is_none() && problems.to_string().contains("Mail is half configured: `HUB_MAIL_FROM` is set"),
        "{problems}"
    );
    let both = [("HUB_MAIL_FROM", "Hub <hub@example.org>"), ("HUB_MAIL_SMTP_URL", "smtp://mail:25")];
    let (config, problems) = examine(&both);
    assert!(config.mail.is_some() && problems.to_string().contains("`HUB_PUBLIC_URL` is not"), "{problems}");
}

#[test]
fn secrets_are_not_shown() {
    let environment = [
        ("HUB_MAIL_SMTP_URL", "smtps://hub:hunter2@mail.example.org"),
        ("HUB_MAIL_FROM", "hub@example.org"),
        ("DATABASE_URL", "mysql://hub:hunter2@db/hub"),
        ("HUB_S3_SECRET_ACCESS_KEY", "hunter2"),
        ("HUB_AZURE_ACCESS_KEY", "hunter2"),
        ("HUB_METRICS_TOKEN", "hunter2"),
    ];
    let (config, values, problems) = Config::examine(environment.map(|(name, value)| (name.to_owned(), value.to_owned())));
    let shown = format!("{config:?} {values:?} {problems}");
    assert!(problems.to_string().contains("`DATABASE_URL` must be a URL"));
    assert!(!shown.contains("hunter2"), "{shown}");

    let (_, problems) = with_file("[s3]\nsecret_access_key = \"hunter2", &[]);
    assert!(problems.to_string().contains("line 2"), "{problems}");
    assert!(!problems.to_string().contains("hunter2"), "{problems}");
}

#[test]
fn a_named_file_must_exist() {
    let (_, problems) = examine(&[("HUB_CONFIG", "/nowhere/hub.toml")]);
    assert!(problems.to_string().contains("`/nowhere/hub.toml` cannot be read"), "{problems}");
}

/// Set `UPDATE_DOCS=1` to write the file.
#[test]
fn the_reference_is_up_to_date() {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/settings.md");
    if std::env::var_os("UPDATE_DOCS").is_some() {
        std::fs::write(path, render_reference()).unwrap();
    }
    let written = std::fs::read_to_string(path).unwrap_or_default();
    assert!(written == render_reference(), "docs/settings.md is out of date; run this test with UPDATE_DOCS=1");
}
