//! The pull request: the new files, and what people who merge it want to know.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use hub_types::RepoPath;
use serde_json::json;

use super::files::Files;
use super::{Part, write};
use crate::app::App;
use crate::error::HubResult;
use crate::repos::access::RepoContent;
use crate::repos::commit::{FileContent, NewCommit, Operation};
use crate::repos::discussions::propose_conversion;
use crate::repos::queries::conversions::Wish;

/// The title by which `transformers` finds such pull requests.
const TITLE: &str = "Adding `safetensors` variant of this model";
/// The files that `transformers` loads of a model.
const MAIN: [&str; 2] = ["pytorch_model.bin", "pytorch_model.bin.index.json"];
/// How much of a path a title has, and how many files of a model are told one by one.
const MAX_TITLE_PATH: usize = 80;
const MAX_ROWS: usize = 100;

/// Opens the pull request.
pub(super) async fn propose(app: &App, content: &RepoContent, wish: &Wish, files: &Files, parts: &[Part]) -> HubResult<()> {
    let mut operations = Vec::new();
    for (source, part) in files.sources.iter().zip(parts) {
        operations.push(Operation::AddLfs { path: RepoPath::new(&source.target)?, oid: part.oid, size: Some(part.size) });
    }
    if let Some(path) = &files.index {
        let content = FileContent::Bytes(index(app, content, files, parts).await?);
        operations.push(Operation::AddFile { path: RepoPath::new(path)?, content });
    }
    if wish.removes_source {
        let sources = files.sources.iter().map(|source| source.path.as_str()).chain([files.path.as_str()]);
        let sources: std::collections::BTreeSet<&str> = sources.collect();
        for path in sources {
            operations.push(Operation::DeleteFile(RepoPath::new(path)?));
        }
    }
    let new = NewCommit {
        revision: content.repo.default_branch.clone(),
        summary: title(&files.path),
        description: description(wish, files, parts),
        parent: Some(wish.commit.to_hex()),
        operations,
    };
    propose_conversion(app, content, new, wish.conversion_pk).await
}

fn title(path: &str) -> String {
    match MAIN.contains(&path) {
        true => TITLE.to_owned(),
        false => format!("Adding `safetensors` variant of `{}`", plain(path, MAX_TITLE_PATH)),
    }
}

/// `model.safetensors.index.json`: which tensor is in which file.
async fn index(app: &App, content: &RepoContent, files: &Files, parts: &[Part]) -> HubResult<Vec<u8>> {
    let (mut map, mut total) = (BTreeMap::new(), 0_u64);
    for (source, part) in files.sources.iter().zip(parts) {
        let name = source.target.rsplit('/').next().unwrap_or(&source.target);
        total = total.saturating_add(part.size);
        for tensor in write::names(app, &content.repo, part).await? {
            map.insert(tensor, name.to_owned());
        }
    }
    let text = tokio::task::spawn_blocking(move || {
        serde_json::to_vec_pretty(&json!({ "metadata": { "total_size": total }, "weight_map": map }))
    });
    Ok(text.await?.unwrap_or_default())
}

/// A text of strangers' as it can stand in Markdown, between backticks.
fn plain(text: &str, most: usize) -> String {
    let kept = |c: &char| !c.is_control() && !matches!(c, '`' | '@' | '|' | '<' | '>' | '\\');
    text.chars().filter(kept).take(most).collect()
}

fn description(wish: &Wish, files: &Files, parts: &[Part]) -> String {
    let mut text = format!(
        "The same tensors as in `{}` of commit `{}`, in files that run no code when they are loaded. The hub made them; nothing in the \
         pickle was run.\n\n| read | SHA-256 | written | tensors |\n| --- | --- | --- | --- |\n",
        plain(&files.path, 300),
        wish.commit.to_hex(),
    );
    for (source, part) in files.sources.iter().zip(parts).take(MAX_ROWS) {
        let row = (plain(&source.path, 300), &part.read, plain(&source.target, 300), part.tensors);
        let _ = writeln!(text, "| `{}` | `{}` | `{}` | {} |", row.0, row.1, row.2, row.3);
    }
    if files.sources.len() > MAX_ROWS {
        let _ = writeln!(text, "\n… and {} more files.", files.sources.len() - MAX_ROWS);
    }
    let count = |of: fn(&Part) -> usize| parts.iter().map(of).sum::<usize>();
    let tensors = count(|part| part.tensors);
    let _ = writeln!(
        text,
        "\n- **Compared**: what was written was read back. The bytes of all {tensors} tensors are those of the checkpoint."
    );
    if count(|part| part.reordered) > 0 {
        let _ = writeln!(text, "- **Put in order**: {} tensors, which did not lie in order.", count(|part| part.reordered));
    }
    if count(|part| part.alias_count) > 0 {
        let names = parts.iter().flat_map(|part| &part.aliases).take(20);
        let names: Vec<String> =
            names.map(|(name, kept)| format!("`{}` (is `{}`)", plain(name, 100), plain(kept, 100))).collect();
        let _ = writeln!(
            text,
            "- **Left out, as second names of the same numbers**: {}. Loading the model ties them again; the header names them.",
            listed(&names, count(|part| part.alias_count))
        );
    }
    if count(|part| part.dropped_count) > 0 {
        let names: Vec<String> =
            parts.iter().flat_map(|part| &part.dropped).take(20).map(|name| format!("`{}`", plain(name, 60))).collect();
        let _ = writeln!(text, "- **Left out, as no tensors**: {}.", listed(&names, count(|part| part.dropped_count)));
    }
    if wish.removes_source {
        let _ = writeln!(text, "- **Deleted**: what was read, since the new files take its place.");
    }
    text
}

fn listed(names: &[String], count: usize) -> String {
    match count.saturating_sub(names.len()) {
        0 => names.join(", "),
        more => format!("{} and {more} more", names.join(", ")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_strangers_are_only_text() {
        assert_eq!(plain("a`b@c|d\n<e>", 100), "abcde");
        assert_eq!(title("pytorch_model.bin"), TITLE);
        assert_eq!(title("a/best.pt"), "Adding `safetensors` variant of `a/best.pt`");
        assert_eq!(listed(&["`a`".to_owned()], 3), "`a` and 2 more");
    }
}
