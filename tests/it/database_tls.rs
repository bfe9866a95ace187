//! A Postgres that is spoken to by TLS.

use std::fs;
use std::net::TcpListener;
use std::os::unix::fs::{PermissionsExt as _, chown};
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

/// A server with a certificate for `localhost` that takes nobody without TLS.
struct Server {
    folder: tempfile::TempDir,
    child: Child,
    port: u16,
}

impl Drop for Server {
    fn drop(&mut self) {
        // What it has is thrown away.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn run(command: &mut Command) {
    let done = command.stdin(Stdio::null()).output().unwrap();
    assert!(done.status.success(), "{command:?}: {}", String::from_utf8_lossy(&done.stderr));
}

/// Makes a CA, and a certificate of its for a server.
fn make_certificates(folder: &Path) {
    let openssl = |words: &str| run(Command::new("openssl").args(words.split(' ')).current_dir(folder));
    for ca in ["ca", "other-ca"] {
        openssl(&format!(
            "req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 2 -subj /CN={ca} -keyout {ca}.key -out {ca}.pem"
        ));
    }
    openssl("req -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -subj /CN=localhost -keyout server.key -out server.csr");
    fs::write(folder.join("san"), "subjectAltName=DNS:localhost\n").unwrap();
    openssl("x509 -req -in server.csr -CA ca.pem -CAkey ca.key -CAcreateserial -days 2 -extfile san -out server.pem");
}

/// The account that a line of `/etc/passwd` names: Postgres refuses root.
fn account(name: &str) -> Option<(u32, u32)> {
    let accounts = fs::read_to_string("/etc/passwd").unwrap();
    let line = accounts.lines().find_map(|line| line.strip_prefix(&format!("{name}:")).map(str::to_owned))?;
    let mut fields = line.split(':').skip(1).map(|field| field.parse().unwrap_or(0));
    Some((fields.next()?, fields.next()?))
}

impl Server {
    fn start() -> Self {
        let folder = tempfile::tempdir().unwrap();
        make_certificates(folder.path());
        let is_root = fs::metadata("/proc/self").map(|own| std::os::unix::fs::MetadataExt::uid(&own)).unwrap() == 0;
        let account = is_root.then(|| account("postgres").or_else(|| account("nobody")).unwrap());
        let own = |path: &Path, mode: u32| {
            if let Some((uid, gid)) = account {
                chown(path, Some(uid), Some(gid)).unwrap();
            }
            fs::set_permissions(path, fs::Permissions::from_mode(mode)).unwrap();
        };
        fs::set_permissions(folder.path(), fs::Permissions::from_mode(0o755)).unwrap();
        own(&folder.path().join("server.key"), 0o600);
        let data = folder.path().join("data");
        fs::create_dir(&data).unwrap();
        own(&data, 0o700);
        let program = |name: &str| {
            let mut command = Command::new(hub_embedded::program(name));
            if let Some((uid, gid)) = account {
                command.uid(uid).gid(gid);
            }
            command.current_dir(folder.path()).arg("-D").arg(&data);
            command
        };
        run(program("initdb").args(["--username=hub", "--auth=trust", "--encoding=UTF8", "--locale=C", "--no-sync"]));
        fs::write(data.join("pg_hba.conf"), "hostssl all all 127.0.0.1/32 trust\n").unwrap();
        let port = TcpListener::bind("127.0.0.1:0").and_then(|free| free.local_addr()).unwrap().port();
        let file = |name: &str| folder.path().join(name).display().to_string();
        let settings = [
            "listen_addresses=127.0.0.1".to_owned(),
            format!("port={port}"),
            "unix_socket_directories=".to_owned(),
            "fsync=off".to_owned(),
            "ssl=on".to_owned(),
            format!("ssl_cert_file={}", file("server.pem")),
            format!("ssl_key_file={}", file("server.key")),
        ];
        let mut command = program("postgres");
        for setting in settings {
            command.arg("-c").arg(setting);
        }
        let child = command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
        Self { folder, child, port }
    }

    fn file(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// Connects as the hub does, and tells whether that is by TLS.
    async fn knock(&self, host: &str, query: &str) -> Result<bool, String> {
        let url = format!("postgres://hub@{host}:{}/postgres?{query}", self.port);
        let pool = hub::db::connect(&url, 2).await.map_err(|error| error.to_string())?;
        let by_tls = sqlx::query_scalar("select ssl from pg_stat_ssl where pid = pg_backend_pid()").fetch_one(&pool).await;
        pool.close().await;
        by_tls.map_err(|error| error.to_string())
    }

    async fn is_there(&self) {
        for _ in 0..1200 {
            if self.knock("localhost", "sslmode=require").await.is_ok() {
                return;
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        panic!("the server does not start");
    }
}

#[tokio::test]
async fn the_database_is_spoken_to_by_tls_as_its_address_says() {
    let server = Server::start();
    server.is_there().await;
    let with = |mode: &str, ca: &str| format!("sslmode={mode}&sslrootcert={}", server.file(ca).display());
    // Who the server is counts where the address says so, and its name too.
    assert_eq!(server.knock("localhost", &with("verify-full", "ca.pem")).await, Ok(true));
    assert_eq!(server.knock("127.0.0.1", &with("verify-ca", "ca.pem")).await, Ok(true));
    for (host, mode, ca) in [
        ("localhost", "verify-full", "other-ca.pem"),
        ("localhost", "verify-ca", "other-ca.pem"),
        ("127.0.0.1", "verify-full", "ca.pem"),
    ] {
        let error = server.knock(host, &with(mode, ca)).await.unwrap_err();
        assert!(error.contains("certificate"), "{host} {mode} {ca}: {error}");
    }
    // By itself it takes TLS where there is any, and never less than is asked for.
    assert_eq!(server.knock("127.0.0.1", "").await, Ok(true));
    let plain = server.knock("127.0.0.1", "sslmode=disable").await.unwrap_err();
    assert!(plain.contains("no encryption") || plain.contains("pg_hba"), "{plain}");
}
