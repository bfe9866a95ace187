//! How often somebody may try: passwords, and what sends mail. In the memory of each node, apart from the limits on requests.

use std::hash::{BuildHasher as _, RandomState};
use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use actix_web::HttpRequest;

use super::UserPk;
use crate::app::App;
use crate::error::{HubError, HubResult};
use crate::web::client_address::network_of;
use crate::web::windows::Windows;

/// Wrong passwords are counted for 15 minutes.
const SIGN_INS: Duration = Duration::from_secs(900);
/// How many times as many are borne from one network for all accounts, and for one account from all networks: an office shares
/// an address, and nobody shall lock another out of their account.
const MANY: u64 = 10;
/// Mails that somebody causes, and sign-ups, are counted for an hour.
const HOUR: Duration = Duration::from_secs(3600);
/// How many mails an account, or a network without one, may cause in that time.
const MAX_MAILS: u64 = 20;

/// How many sign-ups may be tried from one network in that time: each sends a mail, or without a mail server
/// tells whether an address has an account.
const MAX_SIGN_UPS: u64 = 30;

/// How many mails in that time tell somebody that others want to have their address, from each node.
const MAX_TELLINGS: u64 = 3;

/// How many applications and devices may make themselves known from one network in that time.
const MAX_APPLICATIONS: u64 = 60;
/// How many codes of devices an account may try in 15 minutes.
const MAX_DEVICE_CODES: u64 = 40;

/// What is counted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
enum Key {
    /// Passwords for an account, from a network. The names are hashed: they can be long.
    Pair(u64, IpAddr),
    /// Passwords from a network.
    Network(IpAddr),
    /// Passwords for an account.
    Name(u64),
    /// Codes of a second factor for an account.
    Code(UserPk),
}

/// Who causes mails.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
enum Sender {
    Account(UserPk),
    Network(IpAddr),
}

/// The counts; cheap to clone.
#[derive(Debug, Clone)]
pub struct Throttle {
    inner: Arc<Counts>,
}

#[derive(Debug)]
struct Counts {
    hasher: RandomState,
    sign_ins: Windows<Key>,
    mails: Windows<Sender>,
    sign_ups: Windows<IpAddr>,
    tellings: Windows<UserPk>,
    applications: Windows<IpAddr>,
    device_codes: Windows<UserPk>,
}

impl Default for Throttle {
    fn default() -> Self {
        let counts = Counts {
            hasher: RandomState::new(),
            sign_ins: Windows::new(SIGN_INS),
            mails: Windows::new(HOUR),
            sign_ups: Windows::new(HOUR),
            tellings: Windows::new(HOUR),
            applications: Windows::new(HOUR),
            device_codes: Windows::new(SIGN_INS),
        };
        Self { inner: Arc::new(counts) }
    }
}

/// How many wrong ones are borne.
fn limit_of(app: &App) -> u64 {
    match app.config.sign_in_tries {
        0 => u64::MAX,
        limit => limit,
    }
}

/// A password that is being tried; it counts as wrong until [`Try::was_right`].
#[derive(Debug)]
pub(super) struct Try {
    throttle: Throttle,
    keys: Vec<Key>,
    /// How many there are of the first key, this one included.
    count: u64,
}

impl Try {
    /// Starts to try a password.
    ///
    /// # Errors
    /// 429 after too many wrong ones; it does not tell whether there is such an account.
    pub(super) fn start(app: &App, request: &HttpRequest, name: &str) -> HubResult<Self> {
        let limit = limit_of(app);
        let throttle = app.throttle.clone();
        let name = throttle.inner.hasher.hash_one(name.to_lowercase());
        let mut keys = vec![(Key::Name(name), limit.saturating_mul(MANY))];
        if let Some(address) = app.config.trusted_proxies.client_of(request) {
            let network = network_of(address);
            keys.insert(0, (Key::Pair(name, network), limit));
            // This machine itself is a proxy that does not say for whom it asks.
            if !address.is_loopback() {
                keys.push((Key::Network(network), limit.saturating_mul(MANY)));
            }
        }
        Self::count(throttle, &keys, "Too many wrong passwords.")
    }

    /// Starts to try a code of a second factor, which somebody may who has the password.
    ///
    /// # Errors
    /// 429 after too many wrong ones, from wherever: there are only a million codes.
    pub(super) fn start_code(app: &App, user: UserPk) -> HubResult<Self> {
        Self::count(app.throttle.clone(), &[(Key::Code(user), limit_of(app))], "Too many wrong codes.")
    }

    fn count(throttle: Throttle, keys: &[(Key, u64)], refusal: &str) -> HubResult<Self> {
        let counted: Vec<_> = keys.iter().map(|(key, limit)| (throttle.inner.sign_ins.add(*key), *limit)).collect();
        let over =
            counted.iter().filter(|(counted, limit)| counted.count > *limit).map(|(counted, _)| counted.ends_in_secs).max();
        match over {
            Some(secs) => {
                tracing::warn!("refused without a look: {}", refusal.to_lowercase());
                Err(HubError::too_many_requests(refusal, secs))
            }
            None => {
                let count = counted.first().map_or(0, |(counted, _)| counted.count);
                Ok(Self { throttle, keys: keys.iter().map(|(key, _)| *key).collect(), count })
            }
        }
    }

    /// Whether there was no wrong one before it in this time, for this account from this network.
    pub(super) const fn is_first(&self) -> bool {
        self.count == 1
    }

    /// Says that the password was right.
    pub(super) fn was_right(self) {
        for key in &self.keys {
            self.throttle.inner.sign_ins.take_back(key);
        }
    }
}

/// Counts a mail that an account, or somebody without one, causes.
///
/// # Errors
/// 429 after too many.
pub fn count_mail(app: &App, request: &HttpRequest, user: Option<UserPk>) -> HubResult<()> {
    let address = || app.config.trusted_proxies.client_of(request).map(network_of).map(Sender::Network);
    let Some(sender) = user.map(Sender::Account).or_else(address) else { return Ok(()) };
    let counted = app.throttle.inner.mails.add(sender);
    if counted.count > MAX_MAILS {
        return Err(HubError::too_many_requests("Too many mails were asked for from here.", counted.ends_in_secs));
    }
    Ok(())
}

/// Counts somebody who tries to sign up.
///
/// # Errors
/// 429 after too many from one network.
pub(super) fn count_sign_up(app: &App, request: &HttpRequest) -> HubResult<()> {
    // This machine itself is a proxy that does not say for whom it asks.
    let address = app.config.trusted_proxies.client_of(request).filter(|address| !address.is_loopback());
    let Some(address) = address else { return Ok(()) };
    let counted = app.throttle.inner.sign_ups.add(network_of(address));
    if counted.count > MAX_SIGN_UPS {
        return Err(HubError::too_many_requests("Too many accounts were asked for from here.", counted.ends_in_secs));
    }
    Ok(())
}

/// Counts a mail that tells somebody that others want to have their address, and says whether it is to go: however many accounts ask,
/// nobody is buried in mail.
pub(super) fn may_tell(app: &App, owner: UserPk) -> bool {
    app.throttle.inner.tellings.add(owner).count <= MAX_TELLINGS
}

/// Takes back one that did not go.
pub(super) fn take_back_telling(app: &App, owner: UserPk) {
    app.throttle.inner.tellings.take_back(&owner);
}

/// Counts an application or a device that makes itself known.
///
/// # Errors
/// 429 after too many from one network.
pub(crate) fn count_application(app: &App, request: &HttpRequest) -> HubResult<()> {
    // This machine itself is a proxy that does not say for whom it asks.
    let address = app.config.trusted_proxies.client_of(request).filter(|address| !address.is_loopback());
    let Some(address) = address else { return Ok(()) };
    let counted = app.throttle.inner.applications.add(network_of(address));
    if counted.count > MAX_APPLICATIONS {
        return Err(HubError::too_many_requests("Too many applications and devices ask from here.", counted.ends_in_secs));
    }
    Ok(())
}

/// Counts a code of a device that an account tries.
///
/// # Errors
/// 429 after too many.
pub(crate) fn count_device_code(app: &App, user: UserPk) -> HubResult<()> {
    let counted = app.throttle.inner.device_codes.add(user);
    if counted.count > MAX_DEVICE_CODES {
        return Err(HubError::too_many_requests("Too many codes were tried.", counted.ends_in_secs));
    }
    Ok(())
}
