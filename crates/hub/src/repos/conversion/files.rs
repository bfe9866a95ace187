//! Which files a conversion reads and writes.

use hub_cards::safetensors;
use hub_git::{Entry, EntryKind};
use hub_types::Oid;
use hub_weights::checkpoint::safetensors_name;
use sha2::{Digest as _, Sha256 as Hasher};

use crate::app::App;
use crate::error::{HubError, HubResult};
use crate::recalls;
use crate::repos::queries::Repo;
use crate::repos::{reading, weight_files};

/// The most files of one model.
const MAX_FILES: usize = 512;
/// The largest file: what takes longer than a job may take is refused later.
const MAX_BYTES: u64 = 100 << 30;
const INDEX: &str = ".bin.index.json";

/// A file to be read.
#[derive(Debug, Clone)]
pub(super) struct SourceFile {
    /// Its path.
    pub(super) path: String,
    /// The path of the safetensors file.
    pub(super) target: String,
    /// Its size.
    pub(super) size: u64,
    /// The SHA-256 of its bytes; of a file in git its blob.
    pub(super) content: String,
}

/// All of them.
#[derive(Debug, Clone)]
pub(super) struct Files {
    /// What stands for them: the file, or the index of several.
    pub(super) path: String,
    /// In the order in which they are read.
    pub(super) sources: Vec<SourceFile>,
    /// Where the new index goes, when there are several.
    pub(super) index: Option<String>,
    /// What names the bytes of them all.
    pub(super) identity: String,
}

/// Whether a file may be a checkpoint, by its name; `.bin` is used for much else.
pub fn is_candidate(path: &str) -> bool {
    path.ends_with(INDEX) || target_of(path).is_some()
}

/// The path of the safetensors file that a file becomes.
pub fn target_of(path: &str) -> Option<String> {
    let (folder, name) = split(path);
    if let Some(stem) = name.strip_suffix(INDEX) {
        return Some(format!("{folder}{}.safetensors.index.json", stem.replace("pytorch_model", "model")));
    }
    safetensors_name(name).map(|name| format!("{folder}{name}"))
}

/// The folder with its slash, and the name.
fn split(path: &str) -> (&str, &str) {
    path.rfind('/').map_or(("", path), |at| path.split_at(at + 1))
}

/// The path of the index, for `model-00001-of-00002.bin`.
pub(super) fn index_of(path: &str) -> Option<String> {
    let stem = path.strip_suffix(".bin")?;
    let (stem, count) = stem.rsplit_once("-of-")?;
    let (stem, number) = stem.rsplit_once('-')?;
    let is_number = |text: &str| text.len() == 5 && text.bytes().all(|byte| byte.is_ascii_digit());
    (is_number(count) && is_number(number)).then(|| format!("{stem}{INDEX}"))
}

impl Files {
    /// Finds the files of a commit; of a part of a model, all of its parts.
    ///
    /// # Errors
    /// 404 for a file that is not there, 422 for one that is no checkpoint by its name, or whose parts are missing.
    pub(super) async fn of(app: &App, repo: &Repo, commit: Oid, path: &str) -> HubResult<Self> {
        let path = match index_of(path) {
            Some(index) if reading::entry(app, repo, commit, &index).await?.is_some() => index,
            _ => path.to_owned(),
        };
        let entry = reading::get_entry(app, repo, commit, &path).await?;
        let target = target_of(&path).filter(|_| entry.kind == EntryKind::File).ok_or_else(|| {
            HubError::unprocessable(format!(
                "`{path}` is no PyTorch checkpoint by its name: those end in `.bin`, `.pt`, `.pth`, `.ckpt` or `{INDEX}`."
            ))
        })?;
        let (sources, index) = match path.ends_with(INDEX) {
            true => (Self::parts(app, repo, commit, &path).await?, Some(target)),
            false => (vec![SourceFile::new(&entry, target)?], None),
        };
        let mut hasher = Hasher::new();
        for source in &sources {
            // What is recalled comes back in no other form.
            if let Some(entry) = reading::entry(app, repo, commit, &source.path).await? {
                recalls::check_entry(app, repo.pk, &entry).await?;
            }
            hasher.update(format!("{} {}\n", source.path, source.content));
        }
        let identity = hasher.finalize().iter().map(|byte| format!("{byte:02x}")).collect();
        Ok(Self { path, sources, index, identity })
    }

    async fn parts(app: &App, repo: &Repo, commit: Oid, index: &str) -> HubResult<Vec<SourceFile>> {
        let gone = || HubError::unprocessable(format!("The bytes of `{index}` are gone. Upload it again."));
        let file = weight_files::open(app, repo, commit, index).await?.ok_or_else(gone)?;
        let bytes = file.head(app, safetensors::MAX_INDEX_BYTES as u64 + 1).await?;
        let names = tokio::task::spawn_blocking(move || safetensors::parse_index(&bytes)).await?;
        let names = names.map_err(|error| HubError::unprocessable(format!("`{index}`: {error}")))?;
        if names.len() > MAX_FILES {
            return Err(HubError::unprocessable(format!("`{index}` names more than {MAX_FILES} files.")));
        }
        let (folder, _) = split(index);
        let mut sources = Vec::new();
        for name in names {
            let path = format!("{folder}{name}");
            let missing =
                || HubError::unprocessable(format!("`{path}` is not there, though `{index}` names it. Upload it first."));
            let entry = reading::entry(app, repo, commit, &path).await?.filter(|entry| entry.kind == EntryKind::File);
            let entry = entry.ok_or_else(missing)?;
            let target = safetensors_name(&name).map(|name| format!("{folder}{name}")).ok_or_else(|| {
                HubError::unprocessable(format!("`{index}` names `{name}`, which is no PyTorch checkpoint by its name."))
            })?;
            sources.push(SourceFile::new(&entry, target)?);
        }
        Ok(sources)
    }

    /// All paths that are written.
    pub(super) fn targets(&self) -> impl Iterator<Item = &str> {
        self.sources.iter().map(|source| source.target.as_str()).chain(self.index.as_deref())
    }

    /// How many bytes are written and compared, as far as that is known before.
    pub(super) fn work(&self) -> u64 {
        self.sources.iter().fold(0, |sum, source| source.size.saturating_mul(2).saturating_add(sum))
    }
}

impl SourceFile {
    fn new(entry: &Entry, target: String) -> HubResult<Self> {
        if entry.size > MAX_BYTES {
            return Err(HubError::unprocessable(format!(
                "`{}` is larger than what is converted ({} GiB). Save it in several parts (`save_pretrained` with `max_shard_size`).",
                entry.path,
                MAX_BYTES >> 30
            )));
        }
        let content = entry.lfs.as_ref().map_or_else(|| entry.oid.to_hex(), |pointer| pointer.oid.to_hex());
        Ok(Self { path: entry.path.clone(), target, size: entry.size, content })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn targets_are_beside_their_sources() {
        assert_eq!(target_of("a/pytorch_model.bin").as_deref(), Some("a/model.safetensors"));
        assert_eq!(target_of("pytorch_model.bin.index.json").as_deref(), Some("model.safetensors.index.json"));
        assert_eq!(index_of("x/pytorch_model-00001-of-00002.bin").as_deref(), Some("x/pytorch_model.bin.index.json"));
        assert!(is_candidate("best.pt") && !is_candidate("config.json") && !is_candidate("model.safetensors"));
        for other in ["pytorch_model.bin", "a-1-of-2.bin", "a-00001-of-0000x.bin", "a-00001-of-00002.pt"] {
            assert_eq!(index_of(other), None, "{other}");
        }
    }
}
