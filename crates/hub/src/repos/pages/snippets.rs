//! Code that loads a repository with the tools people have.

use hub_types::RepoType;

use super::card::{QuickStart, UseSnippet, Way};
use super::view::RepoHeader;
use crate::repos::queries::listing::ListedRepo;

/// How to load a repository, the most likely way first.
pub(super) fn snippets_of(header: &RepoHeader, derived: &ListedRepo) -> Vec<UseSnippet> {
    let id = header.id();
    let mut snippets = match header.kind {
        RepoType::Model => model_snippets(&id, derived),
        RepoType::Dataset => {
            vec![snippet("library", "datasets", format!("from datasets import load_dataset\n\ndataset = load_dataset(\"{id}\")"))]
        }
        // Buckets have no such page.
        RepoType::Space | RepoType::Bucket => Vec::new(),
    };
    let repo_type = match header.kind {
        RepoType::Model => String::new(),
        RepoType::Dataset | RepoType::Space | RepoType::Bucket => format!(", repo_type=\"{}\"", header.kind),
    };
    let download = format!("from huggingface_hub import snapshot_download\n\nfolder = snapshot_download(\"{id}\"{repo_type})");
    snippets.push(snippet("download", "huggingface_hub", download));
    snippets.push(snippet("terminal", "hf command", header.hf_command()));
    snippets.push(snippet("git-branch", "git", header.git_command()));
    snippets
}

fn snippet(icon: &'static str, title: &'static str, code: String) -> UseSnippet {
    UseSnippet { icon, title, code }
}

fn model_snippets(id: &str, derived: &ListedRepo) -> Vec<UseSnippet> {
    let library = derived.library_name.as_deref().unwrap_or_default();
    let has_tag = |tag: &str| derived.tags.iter().any(|found| found == tag);
    let mut snippets = Vec::new();
    match library {
        "sentence-transformers" => snippets.push(snippet(
            "library",
            "sentence-transformers",
            format!(
                "from sentence_transformers import SentenceTransformer\n\nmodel = SentenceTransformer(\"{id}\")\n\
                 embeddings = model.encode([\"Hello there\"])"
            ),
        )),
        "diffusers" => snippets.push(snippet(
            "library",
            "diffusers",
            format!(
                "from diffusers import DiffusionPipeline\n\npipe = DiffusionPipeline.from_pretrained(\"{id}\")\n\
                 image = pipe(\"a lighthouse at dawn\").images[0]"
            ),
        )),
        "timm" => snippets.push(snippet(
            "library",
            "timm",
            format!("import timm\n\nmodel = timm.create_model(\"hf_hub:{id}\", pretrained=True)"),
        )),
        "peft" => snippets.push(snippet(
            "library",
            "PEFT",
            format!("from peft import AutoPeftModelForCausalLM\n\nmodel = AutoPeftModelForCausalLM.from_pretrained(\"{id}\")"),
        )),
        _ => {}
    }
    if matches!(library, "transformers" | "sentence-transformers") {
        snippets.push(transformers(id, derived.pipeline_tag.as_deref()));
    }
    if has_tag("gguf") {
        snippets.push(snippet("terminal", "llama.cpp", format!("llama-cli -hf {id}")));
    }
    snippets
}

fn transformers(id: &str, task: Option<&str>) -> UseSnippet {
    /// Tasks that `transformers.pipeline` knows by the same word.
    const PIPELINES: &[&str] = &[
        "text-classification",
        "token-classification",
        "question-answering",
        "translation",
        "summarization",
        "text-generation",
        "fill-mask",
        "feature-extraction",
        "image-classification",
        "object-detection",
        "image-segmentation",
        "automatic-speech-recognition",
        "audio-classification",
        "zero-shot-classification",
        "image-text-to-text",
    ];
    let code = match task.filter(|task| PIPELINES.contains(task)) {
        Some(task) => format!("from transformers import pipeline\n\npipe = pipeline(\"{task}\", model=\"{id}\")"),
        None => format!(
            "from transformers import AutoModel, AutoTokenizer\n\ntokenizer = AutoTokenizer.from_pretrained(\"{id}\")\n\
             model = AutoModel.from_pretrained(\"{id}\")"
        ),
    };
    snippet("code", "transformers", code)
}

/// How to put files into a repository that has none.
pub(super) fn quick_start_of(header: &RepoHeader) -> QuickStart {
    let (url, id) = (&header.hub_url, header.id());
    let (option, argument) = match header.kind {
        RepoType::Model => (String::new(), String::new()),
        RepoType::Dataset | RepoType::Space | RepoType::Bucket => {
            (format!(" --repo-type {}", header.kind), format!(", repo_type=\"{}\"", header.kind))
        }
    };
    let large = match header.kind {
        RepoType::Model => "*.safetensors",
        RepoType::Dataset => "*.parquet",
        RepoType::Space | RepoType::Bucket => "*.bin",
    };
    QuickStart {
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
