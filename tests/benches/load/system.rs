//! The system under load: what `im dev` runs, in a process of its own, for many organizations.

use std::{
    path::PathBuf,
    process::{Child, Command, Stdio},
    sync::Arc,
    time::Duration,
};

use http::Method;
use im_engine::IntegrationCache;
use im_local::{DataFolder, LocalSettings, LocalSystem, ScaledClock, Unannounced, serve_http};
use im_model::OrganizationId;
use im_runtime::{HttpTransport, RandomIds, Reach, Settings};
use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};
use tokio::{net::TcpListener, sync::oneshot, task::JoinHandle, time::Instant};

/// The word that makes the process the system.
pub const ROLE: &str = "--system";
const JWT_KEY: &str = "a key of more than thirty-two bytes, for a load run";
/// Linux' unit of CPU time (`_SC_CLK_TCK`).
const TICK: Duration = Duration::from_millis(10);

/// How long it may take until it answers.
const STARTS_WITHIN: Duration = Duration::from_mins(1);

/// The process of the system.
pub struct System {
    process: Child,
    folder: PathBuf,
    pub api: Api,
}

/// How its management API is called.
#[derive(Clone)]
pub struct Api {
    pub base_url: String,
    http: reqwest::Client,
}

impl Drop for System {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
        let _ = std::fs::remove_dir_all(&self.folder);
    }
}

impl System {
    /// Starts it, and waits until it answers.
    pub async fn start(in_memory: bool) -> Self {
        let _ = rustls::crypto::ring::default_provider().install_default();
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let address = listener.local_addr().expect("an address").to_string();
        drop(listener);
        let binary = std::env::current_exe().expect("this binary");
        let mut command = Command::new(binary);
        command.arg(ROLE).env("IM_LOAD_ADDRESS", &address);
        if in_memory {
            command.arg("--in-memory");
        }
        let process = command.stdin(Stdio::null()).spawn().expect("a process");
        let api = Api {
            base_url: format!("http://{address}"),
            http: reqwest::Client::new(),
        };
        // Killed if this ends before it answers.
        let mut system = Self {
            process,
            folder: folder_of(&address),
            api,
        };
        let began = Instant::now();
        while system
            .api
            .http
            .get(&system.api.base_url)
            .send()
            .await
            .is_err()
        {
            let ended = system.process.try_wait().expect("its state");
            assert!(
                ended.is_none() && began.elapsed() < STARTS_WITHIN,
                "the system does not answer: {ended:?}"
            );
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        system
    }

    /// How much CPU it has used.
    pub fn cpu(&self) -> Duration {
        cpu_of(&self.process.id().to_string())
    }

    /// Looks at its memory every second.
    pub fn watch_memory(&self) -> MemoryWatch {
        let (stop, mut stopped) = oneshot::channel();
        let process = self.process.id();
        let watching = tokio::spawn(async move {
            let mut seen = Vec::new();
            let mut second = tokio::time::interval(Duration::from_secs(1));
            loop {
                tokio::select! {
                    _ = second.tick() => seen.push(resident_mb(process)),
                    _ = &mut stopped => return seen,
                }
            }
        });
        MemoryWatch { stop, watching }
    }
}

impl Api {
    /// Calls it as an administrator of an organization.
    ///
    /// # Panics
    /// If it does not answer with success.
    pub async fn call(&self, caller: &Caller, method: Method, path: &str, body: &Value) -> Value {
        let url = format!("{}/api/v1{path}", self.base_url);
        let request = self.http.request(method.clone(), url);
        let request = request
            .header("authorization", format!("Bearer {}", caller.0))
            .header("content-type", "application/json");
        let request = match body {
            Value::Null => request,
            body => request.body(body.to_string()),
        };
        let answer = request.send().await.expect("an answer");
        let status = answer.status();
        let text = answer.text().await.expect("a body");
        assert!(status.is_success(), "{method} {path}: {status} {text}");
        serde_json::from_str(&text).unwrap_or_default()
    }
}

/// A token.
#[derive(Clone)]
pub struct Caller(String);

impl Caller {
    /// An administrator.
    pub fn of(organization: &OrganizationId) -> Self {
        let later = Timestamp::now() + SignedDuration::from_hours(2);
        let claims = json!({
            "sub": "ann@example.com", "org": organization.as_str(), "roles": ["platform.administrator"],
            "scopes": [], "exp": later.as_second(),
        });
        let key = jsonwebtoken::EncodingKey::from_secret(JWT_KEY.as_bytes());
        let token = jsonwebtoken::encode(&jsonwebtoken::Header::default(), &claims, &key);
        Self(token.expect("a token"))
    }
}

/// The resident memory of a process, in MB, second by second.
pub struct MemoryWatch {
    stop: oneshot::Sender<()>,
    watching: JoinHandle<Vec<u64>>,
}

impl MemoryWatch {
    pub async fn stop(self) -> Vec<u64> {
        let _ = self.stop.send(());
        self.watching.await.expect("the watch")
    }
}

fn resident_mb(process: u32) -> u64 {
    let status = std::fs::read_to_string(format!("/proc/{process}/status")).expect("a status");
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
    let kilobytes = line.and_then(|line| line.split_whitespace().next()?.parse::<u64>().ok());
    kilobytes.expect("its resident memory") / 1024
}

/// How much CPU this process has used.
pub fn own_cpu() -> Duration {
    cpu_of("self")
}

/// In user and system mode: the 14th and 15th word of `stat`, the second of which is in parentheses.
fn cpu_of(process: &str) -> Duration {
    let stat = std::fs::read_to_string(format!("/proc/{process}/stat")).expect("a stat");
    let (_, rest) = stat.rsplit_once(')').expect("a name in parentheses");
    let ticks = rest.split_whitespace().skip(11).take(2);
    let ticks: u32 = ticks.map(|word| word.parse::<u32>().expect("ticks")).sum();
    TICK * ticks
}

/// Is the system, until it is killed.
pub async fn serve(in_memory: bool) {
    let address = std::env::var("IM_LOAD_ADDRESS").expect("IM_LOAD_ADDRESS");
    let listener = TcpListener::bind(&address).await.expect("the port");
    let folder = (!in_memory).then(|| DataFolder::hold(folder_of(&address)));
    let transport = HttpTransport::from_settings(Reach::PublicAndThisMachine, &Settings::default());
    let system = LocalSystem::start(LocalSettings {
        data_dir: folder.transpose().expect("a folder of its own"),
        time_scale: 1,
        clock: Arc::new(ScaledClock::new(1)),
        ids: Arc::new(RandomIds),
        transport: Arc::new(transport.expect("a transport")),
        configuration_age: IntegrationCache::FOR_AT_MOST,
        announcer: Arc::new(Unannounced),
        public_base_url: Some(format!("http://{address}")),
        local_organization: None,
        policy: im_local::Policy::built_in(),
    })
    .await
    .expect("the system starts");
    let secrets = &system.embedded.secrets;
    let secret = secrets.create_secret().name(LocalSystem::API_KEY_SECRET);
    secret.secret_string(JWT_KEY).send().await.expect("a key");
    let _mappings = system.mappings().await.expect("mappings").run();
    serve_http(system.gateway.clone(), listener)
        .await
        .expect("the server runs");
}

/// Where its tables are, in memory that is not the process's own if there is such.
fn folder_of(address: &str) -> PathBuf {
    let shared = PathBuf::from("/dev/shm");
    let root = if shared.is_dir() {
        shared
    } else {
        std::env::temp_dir()
    };
    root.join(format!("im-load-{}", address.replace(['.', ':'], "-")))
}
