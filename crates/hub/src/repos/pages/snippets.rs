//! How to fill a repository, with the tools people have.

use hub_types::RepoType;

use super::card::{QuickStart, Way};
use super::view::RepoHeader;
use crate::web::links::encode_segment;

/// How to put files into a repository that has none.
pub(super) fn quick_start_of(header: &RepoHeader) -> QuickStart {
    let (url, id) = (&header.hub_url, header.id());
    let option = header.kind.hf_option();
    let argument = match header.kind {
        RepoType::Model => String::new(),
        RepoType::Dataset | RepoType::Space | RepoType::Bucket => format!(", repo_type=\"{}\"", header.kind),
    };
    let branch = encode_segment(&header.default_branch);
    let large = match header.kind {
        RepoType::Model => "*.safetensors",
        RepoType::Dataset => "*.parquet",
        RepoType::Space | RepoType::Bucket => "*.bin",
    };
    QuickStart {
        upload_href: format!("{}/upload/{branch}", header.href()),
        new_href: format!("{}/new/{branch}", header.href()),
        ways: vec![
            Way {
                title: "The hf command",
                text: "Uploads a folder. Large files go to large file storage by themselves.",
                code: format!("export HF_ENDPOINT={url}\nhf auth login\nhf upload {id} .{option}"),
            },
            Way {
                title: "Python",
                text: "From a notebook or a training script.",
                code: format!(
                    "from huggingface_hub import HfApi\n\napi = HfApi(endpoint=\"{url}\")\n\
                     api.upload_folder(repo_id=\"{id}\", folder_path=\".\"{argument})"
                ),
            },
            Way {
                title: "git",
                text: "Log in with your user name and an access token as the password. Large files need git-lfs.",
                code: format!(
                    "git clone {url}{}\ncd {}\ngit lfs track \"{large}\"\ngit add .\ngit commit -m \"Add files\"\ngit push",
                    header.href(),
                    header.name
                ),
            },
        ],
    }
}

/// The line that uploads a card.
pub(super) fn card_command(header: &RepoHeader) -> String {
    format!("HF_ENDPOINT={} \\\n  hf upload {} README.md{}", header.hub_url, header.id(), header.kind.hf_option())
}

/// The lines that upload the folder at hand as a pull request.
pub(super) fn upload_command(header: &RepoHeader) -> String {
    format!("HF_ENDPOINT={} \\\n  hf upload {} . --create-pr{}", header.hub_url, header.id(), header.kind.hf_option())
}

/// The lines that push to a pull request.
pub(super) fn pull_commands(header: &RepoHeader, num: &str) -> String {
    let (clone, name) = (header.git_command(), &header.name);
    format!(
        "{clone}\ncd {name}\ngit fetch origin refs/pr/{num}\ngit checkout -b pr-{num} FETCH_HEAD\n\
         # change files and commit them\ngit push origin HEAD:refs/pr/{num}"
    )
}
