//! What the notices say.

use super::{Content, Notice};
use crate::accounts::OrgRole;
use crate::accounts::invitations::may;
use crate::app::App;
use crate::error::HubError;

pub(super) fn content_of(app: &App, notice: &Notice, id: &str) -> Content {
    let base = app.config.base();
    let forgot = Some(("Set a new password", format!("{base}/forgot-password")));
    let id = format!("notice-{id}");
    match notice {
        Notice::PasswordChanged => Content {
            id,
            subject: "Your password was changed".to_owned(),
            lines: vec![
                "the password of your account was changed. Other browsers were logged out; access tokens go on working.".into(),
            ],
            link: forgot,
            closing: "If this was not you, set a new password with the link above, and revoke tokens that you do not know.",
        },
        Notice::EmailChanged { new, .. } => Content {
            id,
            subject: "Your email address was changed".to_owned(),
            lines: vec![format!("mail about your account goes to {new} from now on, and no longer to this address.")],
            link: None,
            closing: "If this was not you, somebody else has your password: tell whoever runs the hub.",
        },
        Notice::DataReady { page } => data_ready(id, &base, page.as_deref()),
        Notice::SecondFactors { told } => Content {
            id,
            subject: "How you log in was changed".to_owned(),
            lines: vec![told.clone()],
            link: Some(("Look at it", format!("{base}/settings/authentication"))),
            closing: "If this was not you, somebody else was in your account: set a new password, and tell whoever runs the hub.",
        },
        Notice::NewBrowser { browser, address, at } => {
            new_browser(id, browser, address.as_deref(), at, format!("{base}/settings/sessions"))
        }
        Notice::WrongCodes => wrong_codes(id, forgot),
        Notice::AddedToOrganization { organization, by, role } => added(id, &base, organization, by, *role),
        Notice::SecondFactorRequired { organization } => second_factor_required(id, &base, organization),
        Notice::OrganizationCloses { organization, by, until } => organization_closes(id, &base, organization, by, until),
        Notice::Renamed { from, to } => renamed(id, &base, from, to),
        Notice::OrganizationRenamed { from, to, by } => organization_renamed(id, &base, from, to, by),
        Notice::FoundInFiles { repo, path, lines } => found_in_files(id, repo, format!("{base}{path}"), lines),
        Notice::AccessRequested { repo, page, people, more } => requested(id, repo, format!("{base}{page}"), people, *more),
        Notice::AccessAccepted { repo, page } => let_in(id, repo, format!("{base}{page}")),
        Notice::AccessRejected { repo, page, reason } => not_let_in(id, repo, format!("{base}{page}"), reason.as_deref()),
        Notice::TokenLeaked { name, hint, page } => {
            token_leaked(id, name, hint, format!("{base}{}", page.as_deref().unwrap_or("/settings/tokens")))
        }
        Notice::KeyAdded { title, fingerprint } => key_added(id, title, fingerprint, format!("{base}/settings/keys")),
        Notice::GpgKeyAdded { fingerprint } => gpg_key_added(id, fingerprint, format!("{base}/settings/gpg-keys")),
        Notice::Moderated { subject, lines, page } => Content {
            id,
            subject: format!("Moderation: {subject}"),
            lines: lines.clone(),
            link: Some(("Read more", format!("{base}{page}"))),
            closing: "You get this mail because it is about your account, or about something that you reported.",
        },
        Notice::WebhookDisabled { id: webhook, host, because } => {
            webhook_disabled(id, host, because, format!("{base}/settings/webhooks/{webhook}"))
        }
    }
}

/// `page` is for those who cannot open their settings.
fn data_ready(id: String, base: &str, page: Option<&str>) -> Content {
    let asks = page.map(|_| "The page asks for your password.".to_owned());
    Content {
        id,
        subject: "The copy of your data is ready".to_owned(),
        lines: std::iter::once("the copy of your data that you asked for can be downloaded for a week.".to_owned())
            .chain(asks)
            .collect(),
        link: Some(("Get the copy", format!("{base}{}", page.unwrap_or("/settings/data")))),
        closing: match page {
            Some(_) => "If you did not ask for it, somebody else knows your password: set a new one.",
            None => "If you did not ask for it, somebody else was in your account: set a new password, and end all sessions.",
        },
    }
}

fn added(id: String, base: &str, organization: &str, by: &str, role: OrgRole) -> Content {
    Content {
        id,
        subject: format!("You are a member of {organization}"),
        lines: vec![format!("{by} added you to the organization {organization}: you can {}.", may(role))],
        link: Some(("Your organizations", format!("{base}/settings/organizations"))),
        closing: "If you do not want this, leave the organization on that page.",
    }
}

fn second_factor_required(id: String, base: &str, organization: &str) -> Content {
    Content {
        id,
        subject: format!("{organization} asks for a second factor"),
        lines: vec![format!(
            "the organization {organization} asks its members for a second factor, such as an app that shows codes, and your account \
             has none. You are a member still, but until you add one you see what strangers see, and so do your access tokens."
        )],
        link: Some(("Add a second factor", format!("{base}{}", HubError::SECOND_FACTORS))),
        closing: "You get this mail because you are a member. Everything is open to you again as soon as you have added one.",
    }
}

fn organization_closes(id: String, base: &str, organization: &str, by: &str, until: &str) -> Content {
    Content {
        id,
        subject: format!("{organization} is being deleted"),
        lines: vec![format!(
            "{by} had the organization {organization} deleted, with all its repositories. What is left of it is removed on {until}. Until \
             then you can bring all of it back, for you administer it:"
        )],
        link: Some(("Keep it", format!("{base}/settings/organizations"))),
        closing: "If nobody of you wanted this, keep it there, and look in its audit log from where it was done.",
    }
}

fn renamed(id: String, base: &str, from: &str, to: &str) -> Content {
    Content {
        id,
        subject: format!("Your account is called {to} now"),
        lines: vec![format!(
            "your account {from} was renamed: it is {to} from now on, also when you log in. Links, clones and programs that say {from} \
             go on working, and nobody else can take that name."
        )],
        link: Some(("Your settings", format!("{base}/settings/profile#rename"))),
        closing: "If this was not you, somebody else was in your account: take the old name back there, set a new password, and end all \
                  sessions.",
    }
}

fn organization_renamed(id: String, base: &str, from: &str, to: &str, by: &str) -> Content {
    Content {
        id,
        subject: format!("{from} is called {to} now"),
        lines: vec![format!(
            "{by} renamed the organization {from}: it is {to} from now on. Links, clones and programs that say {from} go on working, and \
             nobody else can take that name."
        )],
        link: Some(("Its settings", format!("{base}/organizations/{to}/settings#rename"))),
        closing: "You get this mail because you administer it. If none of you wanted this, take the old name back there.",
    }
}

fn let_in(id: String, repo: &str, page: String) -> Content {
    Content {
        id,
        subject: format!("You have access to the {repo}"),
        lines: vec![format!("your request for access to the {repo} was accepted: you can download its files now.")],
        link: Some(("Open it", page)),
        closing: "You get this mail because you asked for access.",
    }
}

fn not_let_in(id: String, repo: &str, page: String, reason: Option<&str>) -> Content {
    let reason = reason.map(|reason| format!("The reason that was given: {reason}"));
    Content {
        id,
        subject: format!("You have no access to the {repo}"),
        lines: std::iter::once(format!("your request for access to the {repo} was rejected.")).chain(reason).collect(),
        link: Some(("Open it", page)),
        closing: "You get this mail because you asked for access. If you think it is a mistake, write to its authors.",
    }
}

fn token_leaked(id: String, name: &str, hint: &str, page: String) -> Content {
    Content {
        id,
        subject: "An access token of yours leaked".to_owned(),
        lines: vec![
            format!("the access token {name} (hf_…{hint}) was found where others can read it. It does not work any more."),
            "Look where it was used and what was done with it, and make another where you need one:".to_owned(),
        ],
        link: Some(("Access tokens", page)),
        closing: "Tokens leak when they are written into code that is published: keep them in the environment.",
    }
}

fn key_added(id: String, title: &str, fingerprint: &str, page: String) -> Content {
    Content {
        id,
        subject: "An SSH key was added to your account".to_owned(),
        lines: vec![format!("the SSH key {title} ({fingerprint}) can clone and push as you from now on.")],
        link: Some(("SSH keys", page)),
        closing: "If this was not you, remove it there and set a new password.",
    }
}

fn gpg_key_added(id: String, fingerprint: &str, page: String) -> Content {
    Content {
        id,
        subject: "A GPG key was added to your account".to_owned(),
        lines: vec![format!("commits that the GPG key {fingerprint} signs are shown as verified to be yours from now on.")],
        link: Some(("GPG keys", page)),
        closing: "If this was not you, remove it there and set a new password.",
    }
}

fn new_browser(id: String, browser: &str, address: Option<&str>, at: &str, page: String) -> Content {
    let from = address.map(|address| format!(" from {address}")).unwrap_or_default();
    Content {
        id,
        subject: "Your account was opened in a browser that is new to it".to_owned(),
        lines: vec![format!(
            "somebody, most likely you, logged in with {browser}{from} at {at}. This browser was not seen in your account before."
        )],
        link: Some(("Where you are logged in", page)),
        closing: "If this was not you, end that session there, set a new password, and read your security log.",
    }
}

fn wrong_codes(id: String, link: Option<(&'static str, String)>) -> Content {
    Content {
        id,
        subject: "Somebody tries to get into your account".to_owned(),
        lines: vec![
            "somebody who has your password typed many wrong codes of your second factor. They did not get in.".to_owned(),
            "If it was you, see that the clock of your authenticator app is right. If not, others know your password:".to_owned(),
        ],
        link,
        closing: "Your security log says from where. After 100 wrong codes in a day the hub takes no more; recovery codes and \
                  passkeys go on working.",
    }
}

fn found_in_files(id: String, repo: &str, page: String, lines: &[String]) -> Content {
    Content {
        id,
        subject: format!("Secrets or malware in {repo}"),
        lines: std::iter::once(format!("in files that were pushed to {repo}, this was found:"))
            .chain(lines.iter().cloned())
            .chain([
                "A secret that was pushed is known to others, even if the file is deleted: make another one where it is from."
                    .to_owned(),
            ])
            .collect(),
        link: Some(("The files", page)),
        closing: "Scanners err. If this is none, there is nothing to do.",
    }
}

fn webhook_disabled(id: String, host: &str, because: &str, page: String) -> Content {
    Content {
        id,
        subject: "A webhook of yours was disabled".to_owned(),
        lines: vec![
            match because {
                "behind" => format!("your webhook to {host} was disabled: more deliveries were waiting than the hub keeps."),
                _ => format!("your webhook to {host} was disabled: nothing arrived there for days."),
            },
            "See in its log what came back, and enable it again when the receiver works:".to_owned(),
        ],
        link: Some(("The webhook", page)),
        closing: "What happened meanwhile is not sent. Deliveries in the log can be sent again by hand.",
    }
}

fn requested(id: String, repo: &str, page: String, people: &[String], more: usize) -> Content {
    let subject = match people {
        [one] if more == 0 => format!("{one} asks for access to the {repo}"),
        _ => format!("{} people ask for access to the {repo}", people.len() + more),
    };
    let others = if more > 0 { format!(" and {more} more") } else { String::new() };
    Content {
        id,
        subject,
        lines: vec![
            format!("somebody wants to download the files of the {repo}, which is gated: {}{others}.", people.join(", ")),
            "Look at what they wrote, and accept or reject:".to_owned(),
        ],
        link: Some(("Look at the requests", page)),
        closing: "At most one such mail an hour comes for each repository.",
    }
}
