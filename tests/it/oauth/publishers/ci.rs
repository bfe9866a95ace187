//! An issuer of ID tokens for jobs of CI, as GitHub is one.

use std::net::TcpListener;
use std::sync::{Arc, Mutex};
use std::time::{SystemTime, UNIX_EPOCH};

use actix_web::{App, HttpRequest, HttpResponse, HttpServer, web};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use hub::accounts::oidc::openidconnect::core::{CoreJsonWebKeySet, CoreJwsSigningAlgorithm, CoreRsaPrivateSigningKey};
use hub::accounts::oidc::openidconnect::{JsonWebKeyId, PrivateSigningKey as _};
use hub_tests::{Value, json};

use super::HUB;

/// Two keys of tests: the issuer publishes the first.
const KEYS: [&str; 2] = [
    "-----BEGIN RSA PRIVATE KEY-----\n\
     MIIEogIBAAKCAQEAs+Ci/tpv0qc/o5aVGAUG5VpTDUS11eQsxegkg/qXyq3+/Ua5\n\
     Dp0BpAvpMxwtv6p8DLP/E2//gaIUh8e0VrG2QwjVuhuAKEQUafC/u3ViQe4421CA\n\
     to5D+rHxjTii1cyxoJz+7scl1h93xQeYh3DmtARLV3fYJrqbSahzm9DxECgSvOAj\n\
     ryLU6/SeyrMmIlWk1zB447rikGeJ/7yE6Ru2S+HT9VGRGyM86CyBB3ke0BsDbXo0\n\
     8DKW0JC/Vb3CVCYi49O9GsXNdpkpet5RBobj7+eGG979886ia6zGyWDAqcJtWEZ5\n\
     xaU8u//uavM57CkHJkZkWkFSgcD3SZS1NX9QhQIDAQABAoIBAApecMw+ckNojF9q\n\
     jutPYDTjY+CNbT/zAxkLceNrvslFBhW6jcYHtfBWFsTGozp7t408k6p0Any0sk3w\n\
     wfayEClwE8XtJOeX+RHxpKkdMfij+gIRHhen6XJE71bZL3B3TWaj9iwfLbwDR10D\n\
     vD6pJZtgmKk7ntRTXcqSsSCycYWhTj7DAYsRsy0s+o80LELvR28J+r/sFKyAIc4o\n\
     GGE8gxxihdllqd2jLF2OXQgsMzyj/o/Ux1U8WAT8Lsfa4lep+iwTKbdAIgvyiEmR\n\
     0uIfXmY+EukPDy90Bd4hNhm04BsKZAu623C28v8TAYT8VZN1FgPdhwTVRX98J34c\n\
     l5FLJQcCgYEA6RUzuely29niBAGkDsoKuFhiziTUtDrZZTlnzOTEktT4zlBItKL+\n\
     EI6fTX7Nj0+L2gSR23WFjvN/nbg/TnBf+RJfo0caO70xircgWSDBNfK3qasSrR0m\n\
     kDe3XSqWRSPe/F9KPKxI0dx5KhhQLzmoe6a6FOnWVvSIw7Kbg1whIScCgYEAxZA7\n\
     mY1E2C4Dwn5sj/IaLT6dTEotJUsk4smFxvtHVlytN0xdbH3ymUaVtgKsnfU7j76s\n\
     Y95g0w2mrdmCmHHrsWYGfBQrPQ8wMjYnT2sDL11vkjr5It8LjJAFhlXG9dHRY0Dp\n\
     aVJBkZk4r3mIKHLILy9NOuqK1OuU285xjbMCtHMCgYAwiSC3Uvx++XUOHoVaKwpm\n\
     bslMYfEFAsgoQvbxfKXOaZjR5XfuXY6IRhq4GXKWqBrYMGFrEKLaLKxjXG2aWN4z\n\
     UHcn2fOFgxUg7JdI2ABDyqIiK6R89fgEygVd2jNmfFy/stwTnFChmsaEVIHGA7yo\n\
     2wQevL7MZqlgDv5BMVsYuwKBgBSdy4pnkpKYoq3OMZgH5LFqAlIuv21P3SaJbxtn\n\
     p3ccrrrBjlI/Bmz2T7Mxrj/BkpiahjTZxPLhTs5/j0BHSxg1FGIoXKa/igEDY7DG\n\
     8wsjTfxNiSgZbIQbl2gAVYXbgmVAJdtmyQ7flWnCXfISoE9EOWP3i8tSVjNl5LWr\n\
     w5F/AoGAAtIpwJ+P+zhn6ViyVPSpusw0dXGiwwZns9ZP4zQOAkSJmtX+xroOli/4\n\
     gR2btm8cKqW8trt/pB0rdB6QadzIS3l/8sW/6v1tD4DnHDZsVHGcCbrqpKzrM3pp\n\
     hkJPBTrexVft22d9YN3pJd2q6ak8tl00V8gNBvX2/KJN3Qa57UI=\n\
     -----END RSA PRIVATE KEY-----\n",
    "-----BEGIN RSA PRIVATE KEY-----\n\
     MIIEpAIBAAKCAQEAzOfEcoJ6aEUb+CICalOFeKd097iabWjiWuS5XVOE7ddBoKXX\n\
     hETWNlez65NZNWykw9/1QjUYD932y6oU1iNtxb7Dsz5650AxG4ksw5vxqNKvvzyz\n\
     RMqio1UIt4F4tIOlOKBR6GQGvSir8MX5hbZCQldmUW3IfS2IQg9Ff4Xp9U2ZWCwP\n\
     RA6EYGdkieulZQF++I+cH37pUIAXE+fH2CmXbxXZ/rf+FjB4LilE3wcVhRVVcb1C\n\
     VsGRWvc13n4yxQ/iMnll8wbGeidXjDlya6YsjusBJlFRHReM9dYePJjvL6l/Nhhh\n\
     Qe0DQT9Ehn5o3YkHhdtBm5fw8n/Z/ckz5qQDxQIDAQABAoIBADiQbGr9+OOK3Gc5\n\
     oDgQ2WIOvBvcUokMcJwN0tvf/+yWRRAfZ+ikBgxXVpwb/37fgHZv/yjpNjy/Fe9w\n\
     ArOAcT+q4yQ6hbwLvOKwkfJnvKTRkGF21LgTRiVXhoH91D/krXn9y86eujuCnEBp\n\
     rnGKeC0PKnglGbjwllJCG/nRkl28MI6PlIJPjf87EwOF0ANJjuPwm3QfxpGfTbI3\n\
     5+GeD0zHzGADAzl6cht0KAjrT2I/kecB5hvk/skOKw558lyeZj7Ki7fjWaP8jQL+\n\
     Ev0lzSIJldcYI910lLU/zsdvaaVVR/LKRBRQaPKC1LQl2b+62iJB+LH/5ZvDH6xs\n\
     We3C6AsCgYEA/ef6ZZbGER/9K0/bl0xq+Q59/zp8/KkpuF47bwz3YLhIcFmXcFzB\n\
     kElzABNi6xTtEE+gAWj752696J2dgIBT/2sKcTkyJsismdQz5/6mHrMTfrV384Xp\n\
     g3BY4V5F3mJd1+eXrYJqSr0b4E6aHJO9Lan+BwOa9XpXRihNkAgPpJsCgYEAzphX\n\
     8De2440mpTagbEPLfgEc0kfEJ9pUa3dBPewIYSrOGpU86+4XVBaEbKuARr60y2IP\n\
     78Ix4CVdBckLwguOVLboqZiKgRE5hb1a5xJZbjQLah75zHMci40GJgT1icMhK54x\n\
     s/HvcqoUDK2Hi1dAdVrXH6qGFwvJA68p447uDx8CgYEAohE4my+qLbQlfUfz+pck\n\
     kOTXN9q1fPDdWHmNpky4elwmoNAPAgGy6852QU4ejb9FsmugzkWcxRTC04AH0MYY\n\
     16gTekHv6SGeSnJQz3yTvHTBtNdQQXjwnJ1Rnkj2gAR5sh55ip78Cci7ymlhpWwI\n\
     DOW85+09NANrQbToDU+X7JECgYBVMshZPXDD6Mr+KUgBPfgmj6jmI0iGsuhLpVOX\n\
     iMZv4+o5VkBYf8jJGbwk4Jk3E6CVm2w9ERXmfSIep6mcrY1V7FSI1GqSDZtuRwe8\n\
     8XlGFFp8uieEJBiqiE730OW9mWYNieCvd9+qpu87xzh1w1bGzt6WpYlE6cxNI6if\n\
     uqr8OwKBgQDTV466xX6+mugoIVlicLrDZiOAwsTM3QKr0Np+dfydVDfye0q5+ORV\n\
     g5b//ENLchBlXez4hzQvwCGy13YKXC0eARfSsORUMp3WCNJp2ZuWhWbQjlu29B6m\n\
     IuB06h1lPPJIi9IBhYvsySN4FQn0nzG8NUZq9gwQb709deTq4juINw==\n\
     -----END RSA PRIVATE KEY-----\n",
];

fn key(number: usize) -> CoreRsaPrivateSigningKey {
    CoreRsaPrivateSigningKey::from_pem(KEYS[number], Some(JsonWebKeyId::new(format!("key-{number}")))).unwrap()
}

/// An issuer on a port of this machine, as GitHub's is.
pub(super) struct Ci {
    pub(super) url: String,
    /// How often it was asked for its key.
    pub(super) asked: Arc<Mutex<usize>>,
}

impl Ci {
    pub(super) fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let asked = Arc::<Mutex<usize>>::default();
        let (count, own) = (Arc::clone(&asked), url.clone());
        let answer = move |request: HttpRequest| {
            let response = match request.path() {
                "/.well-known/openid-configuration" => {
                    HttpResponse::Ok().json(json!({ "issuer": own, "jwks_uri": format!("{own}/keys") }))
                }
                "/keys" => {
                    *count.lock().unwrap() += 1;
                    HttpResponse::Ok().json(CoreJsonWebKeySet::new(vec![key(0).as_verification_key()]))
                }
                _ => HttpResponse::NotFound().finish(),
            };
            async move { response }
        };
        let server = HttpServer::new(move || App::new().default_service(web::to(answer.clone())));
        tokio::spawn(server.workers(1).disable_signals().listen(listener).unwrap().run());
        Self { url, asked }
    }

    /// What a job of `octo/bert` on its branch `main` is told of itself; each time it is another token.
    pub(super) fn claims(&self, jti: &str) -> Value {
        let now = now();
        json!({
            "iss": self.url, "aud": HUB, "sub": "repo:octo/bert:ref:refs/heads/main", "jti": jti,
            "iat": now, "nbf": now - 10, "exp": now + 300,
            "repository": "octo/bert", "repository_id": "7", "ref": "refs/heads/main", "ref_type": "branch",
            "workflow_ref": "octo/bert/.github/workflows/release.yml@refs/heads/main",
        })
    }

    /// The same with other claims.
    pub(super) fn token_with(&self, jti: &str, changes: &[(&str, Value)]) -> String {
        let mut claims = self.claims(jti);
        for (name, value) in changes {
            claims[*name] = value.clone();
        }
        sign(0, &claims)
    }

    pub(super) fn token(&self, jti: &str) -> String {
        self.token_with(jti, &[])
    }
}

pub(super) fn now() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs()
}

pub(super) fn sign(number: usize, claims: &Value) -> String {
    let encode = |value: &Value| URL_SAFE_NO_PAD.encode(value.to_string());
    let header = json!({ "alg": "RS256", "typ": "JWT", "kid": format!("key-{number}") });
    let text = format!("{}.{}", encode(&header), encode(claims));
    let signature = key(number).sign(&CoreJwsSigningAlgorithm::RsaSsaPkcs1V15Sha256, text.as_bytes()).unwrap();
    format!("{text}.{}", URL_SAFE_NO_PAD.encode(signature))
}
