//! Weight files of a commit, read by range wherever their bytes are: in git, whole in the store, or in chunks.

use std::collections::HashSet;
use std::ops::Range;

use bytes::{Bytes, BytesMut};
use futures::TryStreamExt as _;
use futures::stream::{self, BoxStream, StreamExt as _};
use hub_cards::safetensors;
use hub_git::{EntryKind, LfsPointer};
use hub_types::{Oid, Sha256};
use hub_weights::{LayoutError, MAX_TENSORS, Step, Tensor, parse_layout};

use super::queries::Repo;
use super::reading;
use crate::app::App;
use crate::error::{HubError, HubResult};
use crate::objects::{self, Held};

/// The largest file that git itself holds and that is read.
const MAX_BLOB_BYTES: u64 = 32 << 20;
/// What is read first of a file: most headers are shorter.
const FIRST_READ_BYTES: u64 = 256 << 10;
/// The most files that the weights of one model may lie in.
const MAX_FILES: usize = 512;
/// How many entries of the root folder are looked at.
const MAX_ROOT: usize = 1_000;

/// Which of several precisions stands for a model.
const PREFERRED_GGUF: &str = "Q4_K_M";

/// A file and where its bytes are.
#[derive(Debug)]
pub struct WeightFile {
    /// Its path.
    pub path: String,
    /// Its size in bytes.
    pub size: u64,
    /// What names its bytes: two files with one content have the same.
    pub content: Content,
    place: Place,
}

/// The identity of a file's bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Content {
    /// A large file.
    Large(Sha256),
    /// A file in git.
    Blob(Oid),
}

#[derive(Debug)]
enum Place {
    Git(Bytes),
    Store(Held),
}

/// Finds a file of a commit. `None` when there is none, or when the hub no longer has its bytes.
///
/// # Errors
/// 503 when the database or the store does not answer.
pub async fn open(app: &App, repo: &Repo, commit: Oid, path: &str) -> HubResult<Option<WeightFile>> {
    match find(app, repo, commit, path).await? {
        Some((blob, lfs)) => open_content(app, repo, path, blob, lfs.as_ref()).await,
        None => Ok(None),
    }
}

/// The same for a file whose blob is known, which costs no walk through its folders.
///
/// # Errors
/// 413 for a file in git that is too large, 503 when the database or the store does not answer.
pub async fn open_content(
    app: &App,
    repo: &Repo,
    path: &str,
    blob: Oid,
    lfs: Option<&LfsPointer>,
) -> HubResult<Option<WeightFile>> {
    let path = path.to_owned();
    let Some(pointer) = lfs else {
        // Only files below the limit for large ones are in git.
        let bytes = Bytes::from(reading::read(app, repo, move |reader| reader.blob(blob, MAX_BLOB_BYTES)).await?);
        return Ok(Some(WeightFile { path, size: bytes.len() as u64, content: Content::Blob(blob), place: Place::Git(bytes) }));
    };
    // Only what the repository has: a pointer alone opens nothing.
    let Some(held) = objects::find_held(app, repo.pk, pointer.oid).await? else { return Ok(None) };
    Ok(Some(WeightFile { path, size: held.size, content: Content::Large(pointer.oid), place: Place::Store(held) }))
}

/// The blob of a file of a commit, and what it points to if the file's bytes are not in git; for [`open_content`], which reads a file in
/// git whole.
///
/// # Errors
/// 503 when the repository cannot be read.
pub async fn find(app: &App, repo: &Repo, commit: Oid, path: &str) -> HubResult<Option<(Oid, Option<LfsPointer>)>> {
    let wanted = path.to_owned();
    let entry = reading::read(app, repo, move |reader| reader.entry_at(commit, &wanted)).await?;
    Ok(entry.filter(|entry| entry.kind == EntryKind::File).map(|entry| (entry.oid, entry.lfs)))
}

impl WeightFile {
    /// Streams a part.
    ///
    /// # Errors
    /// 503 when the store does not answer.
    pub async fn stream(&self, app: &App, range: Range<u64>) -> HubResult<BoxStream<'static, HubResult<Bytes>>> {
        let range = range.start.min(self.size)..range.end.min(self.size);
        match (&self.place, &self.content) {
            (_, _) if range.is_empty() => Ok(stream::empty().boxed()),
            (Place::Store(held), Content::Large(oid)) => objects::read::stream(app, oid, held, range).await,
            (Place::Git(blob), _) => {
                let at = |offset: u64| usize::try_from(offset).unwrap_or(usize::MAX).min(blob.len());
                let part = blob.slice(at(range.start)..at(range.end));
                Ok(stream::once(async move { Ok(part) }).boxed())
            }
            (Place::Store(_), Content::Blob(_)) => Err(HubError::internal("a file of git in the store")),
        }
    }

    /// Reads a part into memory.
    ///
    /// # Errors
    /// 503 when the store does not answer.
    pub async fn read(&self, app: &App, range: Range<u64>) -> HubResult<Bytes> {
        let mut parts = self.stream(app, range).await?;
        let mut bytes = BytesMut::new();
        while let Some(part) = parts.try_next().await? {
            bytes.extend_from_slice(&part);
        }
        Ok(bytes.freeze())
    }

    /// Reads the first bytes into memory.
    ///
    /// # Errors
    /// 503 when the store does not answer.
    pub async fn head(&self, app: &App, count: u64) -> HubResult<Bytes> {
        self.read(app, 0..count).await
    }
}

/// Of the names in a folder, the safetensors file, or the index of several, that holds the model.
pub fn safetensors_of<'a>(names: impl Iterator<Item = &'a str> + Clone) -> Option<&'a str> {
    let has = |wanted: &&str| names.clone().any(|name| name == *wanted);
    let first_ending = |ending: &str| names.clone().find(|name| name.ends_with(ending));
    let preferred = ["model.safetensors", "model.safetensors.index.json", "adapter_model.safetensors"];
    let preferred = preferred.into_iter().find(has).and_then(|wanted| names.clone().find(|name| *name == wanted));
    preferred.or_else(|| first_ending(".safetensors.index.json")).or_else(|| first_ending(".safetensors"))
}

/// Of the names in a folder, the GGUF file that stands for the model: of one in several files the first. Each such file (or set of
/// files) is the whole model in another precision; the one that most people take is preferred, as in llama.cpp (`-hf`), and a set
/// that has all its files before one that lacks some.
pub fn gguf_of<'a>(names: impl Iterator<Item = &'a str>) -> Option<&'a str> {
    // `mmproj` files hold only the part that sees.
    let names: Vec<&str> = names.filter(|name| name.ends_with(".gguf") && !name.contains("mmproj")).collect();
    let known: HashSet<&str> = names.iter().copied().collect();
    let is_first = |name: &str| split_of(name).is_none_or(|(_, number, _)| number == 1);
    let is_whole = |name: &str| is_first(name) && gguf_shards(name).all(|shard| known.contains(shard.as_str()));
    let whole: Vec<&str> = names.iter().copied().filter(|name| is_whole(name)).collect();
    let preferred = whole.iter().copied().find(|name| name.to_ascii_uppercase().contains(PREFERRED_GGUF));
    let first = || names.iter().copied().find(|name| is_first(name)).or_else(|| names.first().copied());
    preferred.or_else(|| whole.first().copied()).or_else(first)
}

/// The files of a GGUF model, of which one is given: that alone, or all of its set (`llama-gguf-split`).
pub fn gguf_shards(name: &str) -> impl Iterator<Item = String> {
    let (prefix, count) = split_of(name).map_or((None, 1), |(prefix, _, count)| (Some(prefix), count));
    (1..=count).map(move |number| match prefix {
        Some(prefix) => format!("{prefix}-{number:05}-of-{count:05}.gguf"),
        None => name.to_owned(),
    })
}

/// Reads `model-00002-of-00003.gguf`: what comes before, the number, and how many there are.
fn split_of(name: &str) -> Option<(&str, u32, u32)> {
    let read = |digits: &str| -> Option<u32> {
        let five = digits.len() == 5 && digits.bytes().all(|byte| byte.is_ascii_digit());
        digits.parse().ok().filter(|_| five)
    };
    let (rest, count) = name.strip_suffix(".gguf")?.rsplit_once("-of-")?;
    let (prefix, number) = rest.rsplit_once('-')?;
    let (number, count) = (read(number)?, read(count)?);
    (1..=count).contains(&number).then_some((prefix, number, count))
}

/// The tensors of a model, over all its files.
#[derive(Debug)]
pub struct Weights {
    /// The files.
    pub files: Vec<WeightFile>,
    /// The tensors, each with the place of its file in the list.
    pub tensors: Vec<(usize, Tensor)>,
}

/// Reads the headers of the safetensors files of a commit: of `file`, or of those that hold the model. `None` when there
/// are none.
///
/// # Errors
/// 422 for files that are not what their names say, 503 when the store does not answer.
pub async fn open_weights(app: &App, repo: &Repo, commit: Oid, file: Option<&str>) -> HubResult<Option<Weights>> {
    let path = match file {
        Some(path) => path.to_owned(),
        None => {
            let root = reading::read(app, repo, move |reader| reader.root_files(commit, MAX_ROOT)).await?;
            let Some(path) = safetensors_of(root.iter().map(|(name, _)| name.as_str())) else { return Ok(None) };
            path.to_owned()
        }
    };
    let Some(first) = open(app, repo, commit, &path).await? else { return Ok(None) };
    let files = if path.ends_with(".index.json") { shards(app, repo, commit, &first).await? } else { vec![first] };
    let mut tensors = Vec::new();
    for (number, file) in files.iter().enumerate() {
        tensors.extend(layout(app, file).await?.into_iter().map(|tensor| (number, tensor)));
        if tensors.len() > MAX_TENSORS {
            return Err(HubError::unprocessable("This model has too many tensors to look at."));
        }
    }
    Ok(Some(Weights { files, tensors }))
}

async fn shards(app: &App, repo: &Repo, commit: Oid, index: &WeightFile) -> HubResult<Vec<WeightFile>> {
    let bytes = index.head(app, safetensors::MAX_INDEX_BYTES as u64 + 1).await?;
    let names =
        safetensors::parse_index(&bytes).map_err(|error| HubError::unprocessable(format!("`{}`: {error}", index.path)))?;
    let folder = index.path.rsplit_once('/').map_or(String::new(), |(folder, _)| format!("{folder}/"));
    let mut files = Vec::new();
    for name in names.into_iter().take(MAX_FILES) {
        let path = format!("{folder}{name}");
        let missing = || HubError::unprocessable(format!("`{path}` is not there, though `{}` names it.", index.path));
        files.push(open(app, repo, commit, &path).await?.ok_or_else(missing)?);
    }
    Ok(files)
}

/// The header of a safetensors file as it stands there: JSON that was checked.
///
/// # Errors
/// 422 for a file that is not what its name says, 503 when the store does not answer.
pub async fn raw_header(app: &App, file: &WeightFile) -> HubResult<Bytes> {
    let (mut wanted, size) = (FIRST_READ_BYTES, file.size);
    loop {
        let prefix = file.head(app, wanted).await?;
        match tokio::task::spawn_blocking(move || header_in(&prefix, size)).await? {
            Ok(Header::Whole(header)) => return Ok(header),
            Ok(Header::NeedBytes(bytes)) if bytes > wanted => wanted = bytes,
            Ok(Header::NeedBytes(_)) => return Err(HubError::internal("a file is shorter than it says")),
            Err(error) => return Err(HubError::unprocessable(format!("`{}`: {error}.", file.path))),
        }
    }
}

/// What the beginning of a file has of its header.
enum Header {
    Whole(Bytes),
    NeedBytes(u64),
}

fn header_in(prefix: &Bytes, file_bytes: u64) -> Result<Header, LayoutError> {
    if let Step::NeedBytes(bytes) = parse_layout(prefix, file_bytes)? {
        return Ok(Header::NeedBytes(bytes));
    }
    // It was read to its end, which is where its length says.
    let length = prefix.first_chunk::<8>().map_or(0, |length| u64::from_le_bytes(*length));
    let end = usize::try_from(length).unwrap_or(usize::MAX).saturating_add(8).min(prefix.len());
    let header = prefix.slice(end.min(8)..end);
    match std::str::from_utf8(&header) {
        Ok(_) => Ok(Header::Whole(header)),
        Err(error) => Err(LayoutError::Malformed(error.to_string())),
    }
}

async fn layout(app: &App, file: &WeightFile) -> HubResult<Vec<Tensor>> {
    let (mut wanted, size) = (FIRST_READ_BYTES, file.size);
    loop {
        let prefix = file.head(app, wanted).await?;
        match tokio::task::spawn_blocking(move || parse_layout(&prefix, size)).await? {
            Ok(Step::Done(tensors)) => return Ok(tensors),
            Ok(Step::NeedBytes(bytes)) if bytes > wanted => wanted = bytes,
            Ok(Step::NeedBytes(_)) => return Err(HubError::internal("a file is shorter than it says")),
            Err(error) => return Err(HubError::unprocessable(format!("`{}`: {error}.", file.path))),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn file(header: &[u8], data: usize) -> Bytes {
        Bytes::from([&(header.len() as u64).to_le_bytes()[..], header, &vec![0; data]].concat())
    }

    #[test]
    fn one_precision_stands_for_a_model_and_all_files_of_a_set_belong_to_it() {
        let set = |prefix: &str, numbers: &[u32], count: u32| -> Vec<String> {
            numbers.iter().map(|number| format!("{prefix}-{number:05}-of-{count:05}.gguf")).collect()
        };
        let chosen = |names: &[String]| gguf_of(names.iter().map(String::as_str)).map(str::to_owned);
        let own = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect::<Vec<_>>();
        assert_eq!(chosen(&own(&["m.BF16.gguf", "m.q4_k_m.gguf", "m.Q8_0.gguf"])).as_deref(), Some("m.q4_k_m.gguf"));
        assert_eq!(chosen(&own(&["a.gguf", "b.gguf", "mmproj-Q4_K_M.gguf"])).as_deref(), Some("a.gguf"));
        assert_eq!(chosen(&own(&["mmproj-a.gguf", "README.md"])), None);
        assert_eq!(chosen(&set("m", &[1, 2, 3], 3)).as_deref(), Some("m-00001-of-00003.gguf"));
        // What lacks a file goes after what has them all, and stands for itself when there is nothing else.
        let partial = set("m-Q4_K_M", &[1, 3], 3);
        assert_eq!(chosen(&[partial.clone(), own(&["m.Q8_0.gguf"])].concat()).as_deref(), Some("m.Q8_0.gguf"));
        assert_eq!(chosen(&partial).as_deref(), Some("m-Q4_K_M-00001-of-00003.gguf"));
        assert_eq!(chosen(&set("m", &[2], 2)).as_deref(), Some("m-00002-of-00002.gguf"));
        assert_eq!(gguf_shards("m-00002-of-00003.gguf").collect::<Vec<_>>(), set("m", &[1, 2, 3], 3));
        for alone in [
            "m.gguf",
            "m-of-00002.gguf",
            "m-1-of-2.gguf",
            "m-00003-of-00002.gguf",
            "m-00000-of-00000.gguf",
            "m-+0001-of-00002.gguf",
        ] {
            assert_eq!(gguf_shards(alone).collect::<Vec<_>>(), [alone]);
        }
    }

    #[test]
    fn a_header_is_given_as_it_stands_there() {
        let json = br#"{"__metadata__":{"format":"pt"},"a":{"dtype":"F32","shape":[1],"data_offsets":[0,4]}}  "#;
        let bytes = file(json, 4);
        let size = bytes.len() as u64;
        assert!(matches!(header_in(&bytes, size), Ok(Header::Whole(header)) if header == json[..]));
        assert!(matches!(header_in(&bytes.slice(..20), size), Ok(Header::NeedBytes(end)) if end == size - 4));
        for damaged in [&b"{\"__metadata__\":{\"a\":\"\xff\"}}"[..], b"{\"a\":1}", b"[]", b"{"] {
            let bytes = file(damaged, 0);
            assert!(header_in(&bytes, bytes.len() as u64).is_err(), "{damaged:?}");
        }
    }
}
