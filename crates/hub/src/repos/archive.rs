//! A revision, or a folder of it, as one file to download. It is packed while it is sent: memory depends neither on the
//! number of files nor on their sizes, but for the index at the end of a zip, which is why there is a most of files.

pub(crate) mod packer;

use bytes::Bytes;
use futures::{Stream, TryStreamExt as _, stream};
use hub_git::{Entry, EntryKind, TreeCursor};
use hub_types::Oid;
use tokio::sync::mpsc;

use self::packer::{Item, Packer};
use super::queries::Repo;
use super::reading;
use crate::app::App;
use crate::error::{HubError, HubResult};
use crate::fetches::{Content, Fetcher, is_noted};
use crate::objects::{self, read};
use crate::recalls::{self, Standing};

/// The most files of one archive. `git clone` and `hf download` take any number.
pub const MAX_FILES: usize = 50_000;
/// The name of the file that says which files were recalled and are not there.
const RECALLED_FILE: &str = "RECALLED-FILES.txt";
/// How many entries are listed at once.
const PAGE_LEN: usize = 500;
/// How many bytes are packed at once.
const PIECE_BYTES: usize = 256 * 1024;
/// How many pieces may wait for a slow client.
const WAITING: usize = 4;

/// The form of an archive.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Format {
    /// A tar file in gzip.
    TarGz,
    /// A zip file.
    Zip,
}

impl Format {
    /// Every form.
    pub const ALL: [Self; 2] = [Self::TarGz, Self::Zip];

    /// The ending of its name, without the dot.
    pub const fn ending(self) -> &'static str {
        match self {
            Self::TarGz => "tar.gz",
            Self::Zip => "zip",
        }
    }

    /// Its media type.
    pub const fn content_type(self) -> &'static str {
        match self {
            Self::TarGz => "application/gzip",
            Self::Zip => "application/zip",
        }
    }
}

/// What goes into an archive.
#[derive(Debug, Clone)]
pub struct Archive {
    /// The repository.
    pub repo: Repo,
    /// The commit.
    pub commit: Oid,
    /// The folder; empty for all of it.
    pub folder: String,
    /// The name of the folder that the archive unpacks into.
    pub root: String,
    /// The form.
    pub format: Format,
    /// Who asks for it, for the fetch ledger.
    pub user_pk: Option<i64>,
}

impl Archive {
    /// Checks that the archive can be made.
    ///
    /// # Errors
    /// 404 when the commit has no such folder, 413 when there are too many files.
    pub async fn check(&self, app: &App) -> HubResult<()> {
        if !reading::get_entry(app, &self.repo, self.commit, &self.folder).await?.is_folder() {
            return Err(HubError::entry_not_found());
        }
        let commit = self.commit;
        let paths = reading::read(app, &self.repo, move |reader| reader.first_paths(commit, MAX_FILES + 1)).await?;
        match paths.len() > MAX_FILES {
            true => Err(HubError::too_large(format!(
                "An archive holds at most {MAX_FILES} files. `git clone` and `hf download` take any number."
            ))),
            false => Ok(()),
        }
    }

    /// Packs and sends it. When the client goes away the packing ends; when something fails the stream does, so that
    /// the client does not take half an archive for a whole one.
    pub fn stream(self, app: App) -> impl Stream<Item = HubResult<Bytes>> + use<> {
        let (sender, receiver) = mpsc::channel(WAITING);
        tokio::spawn(async move {
            let result = self.pack(&app, &sender).await;
            if let Err(Stopped::Failed(error)) = result {
                tracing::warn!(repo.id = %self.repo.id, %error, "an archive broke off");
                // A client that is gone needs no error.
                let _ = sender.send(Err(error)).await;
            }
        });
        stream::unfold(receiver, |mut receiver| async move { receiver.recv().await.map(|part| (part, receiver)) })
    }

    async fn pack(&self, app: &App, sender: &mpsc::Sender<HubResult<Bytes>>) -> Result<(), Stopped> {
        let made = reading::commit(app, &self.repo, self.commit).await?.committer.time;
        let mut press = Press { packer: Some(Packer::new(self.format, made)), sender };
        let mut after: Option<TreeCursor> = None;
        let mut left_out = String::new();
        loop {
            let (commit, folder, from) = (self.commit, self.folder.clone(), after.clone());
            let page =
                reading::read(app, &self.repo, move |reader| reader.walk(commit, &folder, from.as_ref(), PAGE_LEN)).await?;
            for entry in &page.entries {
                if let Some(standing) = self.recalled(app, entry).await? {
                    left_out
                        .push_str(&format!("{}: recall {}, /recalls/{}\n", entry.path, standing.recall_pk, standing.recall_pk));
                    continue;
                }
                self.add(app, &mut press, entry).await?;
            }
            match page.next {
                Some(next) => after = Some(next),
                None => break,
            }
        }
        if !left_out.is_empty() {
            self.say_what_is_left_out(&mut press, left_out).await?;
        }
        press.run(Packer::finish).await
    }

    async fn recalled(&self, app: &App, entry: &Entry) -> Result<Option<Standing>, Stopped> {
        match Content::of(entry) {
            Some(content) => Ok(recalls::find(app, self.repo.pk, content).await?),
            None => Ok(None),
        }
    }

    /// Recalled files are not in archives: a file in their place says so.
    async fn say_what_is_left_out(&self, press: &mut Press<'_>, list: String) -> Result<(), Stopped> {
        let text =
            format!("These files were recalled, and so they are not in this archive. The pages of this hub say why:\n\n{list}");
        let (path, bytes) = (format!("{}/{RECALLED_FILE}", self.root), Bytes::from(text));
        let size = bytes.len() as u64;
        press.run(move |packer| packer.item(&path, &Item::File { size, executable: false, dense: false })).await?;
        press.write(bytes).await?;
        press.run(Packer::end_file).await
    }

    async fn add(&self, app: &App, press: &mut Press<'_>, entry: &Entry) -> Result<(), Stopped> {
        let path = format!("{}/{}", self.root, entry.path);
        match entry.kind {
            EntryKind::Folder | EntryKind::Submodule => press.run(move |packer| packer.item(&path, &Item::Folder)).await,
            EntryKind::Symlink => {
                let target = reading::blob(app, &self.repo, entry.oid).await?;
                let target = String::from_utf8_lossy(&target).into_owned();
                press.run(move |packer| packer.item(&path, &Item::Link(target))).await
            }
            EntryKind::File => self.add_file(app, press, entry, path).await,
        }
    }

    async fn add_file(&self, app: &App, press: &mut Press<'_>, entry: &Entry, path: String) -> Result<(), Stopped> {
        let executable = entry.executable;
        if let Some(content) = Content::of(entry).filter(|content| is_noted(&entry.path, *content)) {
            let who = Fetcher { repo_pk: self.repo.pk, commit: Some(self.commit), user_pk: self.user_pk };
            app.fetches.note(who, content);
        }
        // Anybody can write a pointer: it counts only if the repository has the object, as for any download.
        let held = match &entry.lfs {
            Some(pointer) => {
                let held = objects::find_held(app, self.repo.pk, pointer.oid).await.map_err(HubError::from)?;
                held.filter(|held| held.size == pointer.size).map(|held| (pointer.oid, held))
            }
            None => None,
        };
        if let Some((oid, held)) = held {
            let size = held.size;
            press.run(move |packer| packer.item(&path, &Item::File { size, executable, dense: true })).await?;
            let mut parts = read::stream(app, &oid, &held, 0..size).await?;
            while let Some(part) = parts.try_next().await? {
                press.write(part).await?;
            }
        } else {
            let bytes = reading::blob(app, &self.repo, entry.oid).await?;
            let size = bytes.len() as u64;
            press.run(move |packer| packer.item(&path, &Item::File { size, executable, dense: false })).await?;
            press.write(bytes).await?;
        }
        press.run(Packer::end_file).await
    }
}

/// Why packing ended early.
enum Stopped {
    /// The client is gone.
    Gone,
    /// Something failed.
    Failed(HubError),
}

impl From<HubError> for Stopped {
    fn from(error: HubError) -> Self {
        Self::Failed(error)
    }
}

/// Packs on a blocking thread and hands over what comes out.
struct Press<'a> {
    packer: Option<Packer>,
    sender: &'a mpsc::Sender<HubResult<Bytes>>,
}

impl Press<'_> {
    async fn run(&mut self, step: impl FnOnce(&mut Packer) -> std::io::Result<()> + Send + 'static) -> Result<(), Stopped> {
        let mut packer = self.packer.take().ok_or_else(|| HubError::internal("an archive goes on after a failure"))?;
        let work = tokio::task::spawn_blocking(move || step(&mut packer).map(|()| (packer.take_output(), packer)));
        let (output, packer) = work.await.map_err(HubError::from)?.map_err(HubError::from)?;
        self.packer = Some(packer);
        if output.is_empty() {
            return Ok(());
        }
        self.sender.send(Ok(Bytes::from(output))).await.map_err(|_| Stopped::Gone)
    }

    async fn write(&mut self, mut bytes: Bytes) -> Result<(), Stopped> {
        while !bytes.is_empty() {
            let piece = bytes.split_to(bytes.len().min(PIECE_BYTES));
            self.run(move |packer| packer.write(&piece)).await?;
        }
        Ok(())
    }
}
