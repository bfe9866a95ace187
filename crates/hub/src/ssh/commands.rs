//! What clients ask by SSH, as git and git-lfs write it.

use hub_types::RepoType;

use super::lfs_token::Operation;

/// A command.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Command {
    /// Nothing: somebody tries whether their key works.
    Greet,
    /// A clone or a fetch.
    UploadPack(Place),
    /// A push.
    ReceivePack(Place),
    /// Leave to speak Git LFS.
    LfsAuthenticate(Place, Operation),
}

/// The repository that is asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Place {
    /// Its kind.
    pub repo_type: RepoType,
    /// Its owner; not checked.
    pub namespace: String,
    /// Its name, without `.git` at its end; not checked.
    pub name: String,
}

impl Command {
    /// What it is counted as.
    pub(super) const fn name(&self) -> &'static str {
        match self {
            Self::Greet => "greet",
            Self::UploadPack(_) => "fetch",
            Self::ReceivePack(_) => "push",
            Self::LfsAuthenticate(..) => "lfs",
        }
    }

    /// Reads a command.
    ///
    /// # Errors
    /// Says what there is instead.
    pub(super) fn parse(text: &str) -> Result<Self, &'static str> {
        let text = text.trim();
        if text.is_empty() {
            return Ok(Self::Greet);
        }
        let (program, rest) = text.split_once(' ').unwrap_or((text, ""));
        let (path, rest) = first_word(rest).ok_or(MALFORMED)?;
        match program {
            "git-upload-pack" if rest.is_empty() => Place::parse(path).map(Self::UploadPack),
            "git-receive-pack" if rest.is_empty() => Place::parse(path).map(Self::ReceivePack),
            // Old versions name the object, too.
            "git-lfs-authenticate" => {
                let operation = match rest.split(' ').next() {
                    Some("download") => Operation::Download,
                    Some("upload") => Operation::Upload,
                    _ => return Err(MALFORMED),
                };
                Ok(Self::LfsAuthenticate(Place::parse(path)?, operation))
            }
            // git-lfs tries this first, and goes on with `git-lfs-authenticate`.
            "git-lfs-transfer" => Err("Large files go by HTTP."),
            "git-upload-archive" => Err("Archives are made by HTTP: use the download button of the files."),
            _ => Err("Only git is served here: `git clone`, `git fetch`, `git push`. There is no shell."),
        }
    }
}

const MALFORMED: &str = "This command cannot be read. Use `git clone`, `git fetch` or `git push`.";
const NO_PLACE: &str =
    "Name the repository as `owner/name`, `datasets/owner/name` or `spaces/owner/name`, as its page does under \"Use\".";

/// The first word, without its quotes, and what follows. No name of a repository has quotes or spaces in it.
fn first_word(text: &str) -> Option<(&str, &str)> {
    let text = text.trim_start();
    let quote = text.chars().next().filter(|first| matches!(first, '\'' | '"'));
    let (word, rest) = match quote {
        Some(quote) => text.get(1..)?.split_once(quote)?,
        None => text.split_once(' ').unwrap_or((text, "")),
    };
    (rest.is_empty() || quote.is_none() || rest.starts_with(' ')).then_some((word, rest.trim()))
}

impl Place {
    fn parse(path: &str) -> Result<Self, &'static str> {
        let path = path.strip_prefix('/').unwrap_or(path);
        let path = path.strip_suffix('/').unwrap_or(path);
        let path = path.strip_suffix(".git").unwrap_or(path);
        let mut parts = path.split('/');
        let (repo_type, namespace, name) = match (parts.next(), parts.next(), parts.next(), parts.next()) {
            (Some(namespace), Some(name), None, None) => (RepoType::Model, namespace, name),
            (Some("datasets"), Some(namespace), Some(name), None) => (RepoType::Dataset, namespace, name),
            (Some("spaces"), Some(namespace), Some(name), None) => (RepoType::Space, namespace, name),
            _ => return Err(NO_PLACE),
        };
        if namespace.is_empty() || name.is_empty() {
            return Err(NO_PLACE);
        }
        Ok(Self { repo_type, namespace: namespace.to_owned(), name: name.to_owned() })
    }

    /// Whether it is the name given here.
    pub(super) fn is(&self, id: &str) -> bool {
        format!("{}/{}", self.namespace, self.name).eq_ignore_ascii_case(id)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn place(repo_type: RepoType) -> Place {
        Place { repo_type, namespace: "ada".to_owned(), name: "bert".to_owned() }
    }

    #[test]
    fn commands_are_read_as_clients_write_them() {
        let model = || place(RepoType::Model);
        for (text, command) in [
            ("", Command::Greet),
            ("git-upload-pack 'ada/bert'", Command::UploadPack(model())),
            ("git-upload-pack '/ada/bert.git'", Command::UploadPack(model())),
            ("git-upload-pack \"/ada/bert/\"", Command::UploadPack(model())),
            ("git-receive-pack '/datasets/ada/bert.git'", Command::ReceivePack(place(RepoType::Dataset))),
            ("git-receive-pack spaces/ada/bert", Command::ReceivePack(place(RepoType::Space))),
            ("git-lfs-authenticate /ada/bert.git upload", Command::LfsAuthenticate(model(), Operation::Upload)),
            ("git-lfs-authenticate ada/bert download 1234", Command::LfsAuthenticate(model(), Operation::Download)),
        ] {
            assert_eq!(Command::parse(text), Ok(command), "{text}");
        }
    }

    #[test]
    fn everything_else_is_refused() {
        for text in [
            "ls",
            "bash -c 'git-upload-pack ada/bert'",
            "git-upload-archive 'ada/bert'",
            "git-upload-pack 'ada/bert' --strict",
            "git-upload-pack 'ada/bert'; id",
            "git-upload-pack",
            "git-upload-pack ''",
            "git-upload-pack '/'",
            "git-upload-pack 'ada'",
            "git-upload-pack 'ada/bert",
            "git-upload-pack 'datasets/ada/bert/x'",
            "git-upload-pack 'buckets/ada/bert'",
            "git-lfs-authenticate ada/bert",
            "git-lfs-authenticate ada/bert delete",
            "git-lfs-transfer ada/bert upload",
        ] {
            assert!(Command::parse(text).is_err(), "{text}");
        }
    }
}
