use serde_json::json;

use super::*;
use crate::card::front_matter;

fn run(repo_type: RepoType, readme: &str, paths: &[&str], contents: &[(&str, Value)]) -> Derived {
    let card = CardMetadata::parse(readme).unwrap();
    let paths: Vec<String> = paths.iter().map(|path| (*path).to_owned()).collect();
    let contents = contents.iter().map(|(name, value)| ((*name).to_owned(), value.to_string().into_bytes())).collect();
    derive(Input { repo_type, card: &card, body: front_matter::split(readme).body, paths: &paths, contents: &contents })
}

fn model(readme: &str, paths: &[&str], contents: &[(&str, Value)]) -> Derived {
    run(RepoType::Model, readme, paths, contents)
}

#[test]
fn a_sentence_encoder_is_recognised_with_all_its_tags() {
    let readme = "---\nlanguage: en\nlicense: apache-2.0\ntags: [feature-extraction, transformers]\ndatasets: [s2orc]\n---\nSee https://arxiv.org/abs/1904.06472.";
    let config = json!({"architectures":["BertModel"],"model_type":"bert","hidden_size":384});
    let tokenizer = json!({"mask_token":"[MASK]","cls_token":{"content":"[CLS]"},"model_max_length":512});
    let derived = model(
        readme,
        &["README.md", "config.json", "model.safetensors", "modules.json", "tokenizer_config.json", "1_Pooling/config.json"],
        &[("config.json", config), ("tokenizer_config.json", tokenizer), ("modules.json", json!([]))],
    );
    assert_eq!(derived.library_name.as_deref(), Some("sentence-transformers"));
    assert_eq!(derived.pipeline_tag.as_deref(), Some("sentence-similarity"));
    assert_eq!(
        derived.tags,
        [
            "sentence-transformers",
            "safetensors",
            "bert",
            "sentence-similarity",
            "feature-extraction",
            "transformers",
            "en",
            "dataset:s2orc",
            "arxiv:1904.06472",
            "license:apache-2.0",
            "region:us"
        ]
    );
    assert_eq!(
        derived.config,
        Some(
            json!({"architectures":["BertModel"],"model_type":"bert","tokenizer_config":{"cls_token":"[CLS]","mask_token":"[MASK]"}})
        )
    );
    assert_eq!(
        derived.transformers_info,
        Some(json!({"auto_model":"AutoModel","pipeline_tag":"feature-extraction","processor":"AutoTokenizer"}))
    );
    assert_eq!(derived.mask_token.as_deref(), Some("[MASK]"));
}

#[test]
fn libraries_are_known_by_their_files() {
    let config = |value: Value| vec![("config.json", value)];
    for (expected, paths, contents) in [
        ("transformers", vec!["config.json"], config(json!({"architectures":["GPT2LMHeadModel"]}))),
        ("diffusers", vec!["model_index.json"], vec![("model_index.json", json!({"_class_name":"StableDiffusionPipeline"}))]),
        ("peft", vec!["adapter_config.json"], vec![]),
        ("timm", vec!["config.json"], config(json!({"architecture":"resnet18","num_features":512}))),
        ("spacy", vec!["meta.json", "config.cfg"], vec![]),
        ("keras", vec!["m.keras"], vec![]),
        ("gguf", vec!["m.Q4_K_M.gguf"], vec![]),
        ("onnx", vec!["onnx/model.onnx"], vec![]),
        ("safetensors", vec!["m.safetensors"], vec![]),
        ("nemo", vec!["m.nemo"], vec![]),
        ("gliner", vec!["gliner_config.json", "pytorch_model.bin"], vec![]),
        ("speechbrain", vec!["hyperparams.yaml", "embedding_model.ckpt"], vec![]),
        ("stanza", vec!["models/default.zip"], vec![]),
        ("bertopic", vec!["topics.json", "topic_embeddings.safetensors"], vec![]),
        (
            "model2vec",
            vec!["config.json", "model.safetensors"],
            config(json!({"model_type":"model2vec","architectures":["StaticModel"]})),
        ),
        ("paddlenlp", vec!["model_config.json", "model_state.pdparams"], vec![]),
        ("unity-sentis", vec!["m.sentis"], vec![]),
    ] {
        assert_eq!(model("", &paths, &contents).library_name.as_deref(), Some(expected));
    }
    assert_eq!(model("", &["a.txt"], &[]).library_name, None);
    assert_eq!(model("---\nlibrary_name: mine\n---\n", &["m.gguf"], &[]).library_name.as_deref(), Some("mine"));
}

#[test]
fn tasks_follow_from_architectures() {
    for (architecture, model_type, task) in [
        ("GPT2LMHeadModel", "gpt2", Some("text-generation")),
        ("LlamaForCausalLM", "llama", Some("text-generation")),
        ("BertForMaskedLM", "bert", Some("fill-mask")),
        ("WhisperForConditionalGeneration", "whisper", Some("automatic-speech-recognition")),
        ("LlavaForConditionalGeneration", "llava", Some("image-text-to-text")),
        ("T5ForConditionalGeneration", "t5", None),
        ("MarianMTModel", "marian", Some("translation")),
        ("ViTForImageClassification", "vit", Some("image-classification")),
        ("CLIPModel", "clip", Some("zero-shot-image-classification")),
    ] {
        let derived =
            model("", &["config.json"], &[("config.json", json!({"architectures":[architecture],"model_type":model_type}))]);
        assert_eq!(derived.pipeline_tag.as_deref(), task, "{architecture}");
    }
    assert_eq!(model("---\npipeline_tag: translation\n---\n", &[], &[]).pipeline_tag.as_deref(), Some("translation"));
    assert_eq!(model("---\ntags: [x, summarization]\n---\n", &[], &[]).pipeline_tag.as_deref(), Some("summarization"));
}

#[test]
fn base_models_get_both_tags() {
    let tags = |readme: &str, paths: &[&str]| model(readme, paths, &[]).tags;
    let card = "---\nbase_model: a/b\n---\n";
    assert!(tags(card, &[]).windows(2).any(|pair| pair == ["base_model:a/b", "base_model:finetune:a/b"]));
    assert!(tags(card, &["adapter_config.json"]).contains(&"base_model:adapter:a/b".to_owned()));
    assert!(tags(card, &["x.gguf"]).contains(&"base_model:quantized:a/b".to_owned()));
    assert!(tags("---\nbase_model: [a/b, c/d]\n---\n", &[]).contains(&"base_model:merge:c/d".to_owned()));
    assert!(tags("---\nbase_model: a/b\nbase_model_relation: merge\n---\n", &[]).contains(&"base_model:merge:a/b".to_owned()));
    assert_eq!(tags("---\nbase_model: /home/me/x/y\n---\n", &[]), ["region:us"]);
    let adapter = json!({"base_model_name_or_path":"a/b"});
    let derived = model("", &["adapter_config.json"], &[("adapter_config.json", adapter)]);
    assert_eq!(derived.base_models, ["a/b"]);
}

#[test]
fn datasets_have_prefixed_tags() {
    let readme = "---\nlanguage: [en, de]\nlicense: mit\ntask_categories: [text-classification]\nsize_categories: [n<1K]\ntags: [fun]\ndataset_info:\n  features:\n  - {name: text, dtype: string}\n  - {name: label, dtype: int64}\n---\n";
    let derived = run(RepoType::Dataset, readme, &["README.md", "data/train-0.parquet", "data/test-0.parquet", "x.json"], &[]);
    assert_eq!(
        derived.tags,
        [
            "task_categories:text-classification",
            "language:en",
            "language:de",
            "license:mit",
            "size_categories:n<1K",
            "format:parquet",
            "modality:tabular",
            "modality:text",
            "library:datasets",
            "library:pandas",
            "library:polars",
            "library:mlcroissant",
            "fun",
            "region:us"
        ]
    );
    assert_eq!((derived.library_name, derived.pipeline_tag), (None, None));
    let images = run(RepoType::Dataset, "", &["a/1.jpg", "b/2.png"], &[]);
    assert!(images.tags.contains(&"modality:image".to_owned()) && images.tags.contains(&"format:imagefolder".to_owned()));
}

#[test]
fn libraries_of_datasets_follow_from_files_and_tags() {
    let of = |card: &str, paths: &[&str], prefix: &str| {
        let tags = run(RepoType::Dataset, &format!("---\n{card}\n---\n"), paths, &[]).tags;
        tags.iter().filter_map(|tag| tag.strip_prefix(prefix)).collect::<Vec<_>>().join(" ")
    };
    let shards = ["data/train-00000-of-00002.parquet", "data/train-00001-of-00002.parquet", "data/test-00000-of-00001.parquet"];
    for (card, paths, format, libraries) in [
        ("tags: [fun]", &["a.csv", "b.csv"][..], "csv", "datasets pandas polars mlcroissant"),
        ("tags: [fun]", &shards[..], "parquet", "datasets dask polars mlcroissant"),
        ("tags: [fun]", &["rows-1.jsonl.gz", "rows-2.jsonl.gz"], "json", "datasets dask polars mlcroissant"),
        ("tags: [fun]", &["t-0.tar", "t-1.tar"], "webdataset", "datasets webdataset mlcroissant"),
        ("tags: [fun]", &["a.arrow", "state.json"], "arrow", "datasets mlcroissant"),
        ("tags: [fun]", &["train.lance/data/a.lance", "train.lance/_versions/1.manifest"], "lance", "datasets lance"),
        ("tags: [distilabel, Argilla]", &["a.csv"], "csv", "datasets pandas polars mlcroissant argilla distilabel"),
        ("tags: [fun]", &[".argilla/settings.json", "a.csv"], "csv", "datasets pandas polars mlcroissant argilla"),
        ("tags: [fun]", &["fiftyone.yml", "x.png"], "imagefolder", "datasets mlcroissant fiftyone"),
        ("tags: [LeRobot]", &[], "", "lerobot"),
        (
            "tags: [fun]",
            &["meta/info.json", "meta/tasks.jsonl", "data/a.parquet", "data/b.parquet"],
            "parquet",
            "datasets pandas polars mlcroissant lerobot",
        ),
        ("tags: [format:agent-traces]", &[], "agent-traces", ""),
        ("tags: [fun]", &["README.md", "license.txt"], "", ""),
    ] {
        assert_eq!((of(card, paths, "format:").as_str(), of(card, paths, "library:").as_str()), (format, libraries), "{paths:?}");
    }
}

#[test]
fn spaces_are_tagged_by_sdk() {
    assert_eq!(run(RepoType::Space, "---\nsdk: gradio\ntags: [chat]\n---\n", &[], &[]).tags, ["gradio", "chat", "region:us"]);
}

#[test]
fn a_space_without_what_it_starts_says_so() {
    let many: Vec<String> = (0..1_000).map(|number| format!("a/{number}")).collect();
    let many: Vec<&str> = many.iter().map(String::as_str).collect();
    for (card, paths, stage) in [
        ("sdk: gradio", &["README.md", "app.py"][..], "STOPPED"),
        ("sdk: gradio", &["README.md", "src/app.py"], "NO_APP_FILE"),
        ("sdk: streamlit\napp_file: ./src/app.py", &["src/app.py"], "STOPPED"),
        ("sdk: gradio\napp_file: src/app.py", &many, "STOPPED"),
        ("sdk: static", &["index.html"], "STOPPED"),
        ("sdk: docker\napp_file: app.py", &["app.py"], "NO_APP_FILE"),
        ("sdk: docker", &["Dockerfile"], "STOPPED"),
        ("title: Demo", &["app.py"], "CONFIG_ERROR"),
        ("sdk: abacus", &["app.py"], "CONFIG_ERROR"),
    ] {
        let derived = run(RepoType::Space, &format!("---\n{card}\n---\n"), paths, &[]);
        assert_eq!(derived.stage, Some(stage), "{card} {paths:?}");
    }
    assert_eq!(model("", &["app.py"], &[]).stage, None);
}

#[test]
fn modalities_follow_from_files_and_features() {
    let of = |card: &str, paths: &[&str]| {
        let tags = run(RepoType::Dataset, &format!("---\n{card}\n---\n"), paths, &[]).tags;
        tags.iter().filter_map(|tag| tag.strip_prefix("modality:")).collect::<Vec<_>>().join(" ")
    };
    for (paths, modalities) in [
        (&["README.md", "cups/1.glb", "cups/2.OBJ"][..], "3d"),
        (&["scans/site.las", "scans/site.laz", "list.csv"], "3d"),
        (&["roads.geojson"], "geospatial"),
        (&["a/roads.shp", "a/roads.dbf", "a/roads.shx", "city.gpkg", "tour.kml.gz"], "geospatial"),
        (&["forms/1.pdf", "forms/2.docx", "labels.csv"], "document"),
        (&["tourism_monthly.tsf"], "timeseries"),
        // Neither a paper about the data nor the hub's own files make it one of documents.
        (&["paper.pdf", "1.csv", "2.csv", "3.csv", "4.csv", "5.csv", "6.csv", "7.csv", "8.csv", "9.csv", "10.csv"], ""),
        (&["1.glb", "1.png", "2.png"], "3d image"),
    ] {
        assert_eq!(of("license: mit", paths), modalities, "{paths:?}");
    }
    assert_eq!(of("task_categories: [image-to-3d]", &[]), "3d");
    let features = |columns: &str| of(&format!("dataset_info:\n  features: [{columns}]"), &[]);
    let date = "{name: at, dtype: 'timestamp[ns]'}";
    assert_eq!(features(&format!("{date}, {{name: load, sequence: float32}}")), "tabular timeseries");
    assert_eq!(
        features(&format!("{date}, {{name: series, dtype: string}}, {{name: a, dtype: int64}}, {{name: b, dtype: int8}}")),
        "tabular text timeseries"
    );
    let tweets = "{name: text, dtype: string}, {name: user, dtype: string}, {name: likes, dtype: int64}";
    assert_eq!(features(&format!("{date}, {tweets}")), "tabular text", "a date beside texts is no series");
    assert_eq!(features("{name: page, dtype: pdf}"), "document");
}

#[test]
fn hostile_input_stays_small() {
    let tags: String = (0..3_000).map(|n| format!("- t{n}\n")).collect();
    let derived = model(&format!("---\ntags:\n{tags}---\n"), &[], &[]);
    assert_eq!(derived.tags.len(), MAX_TAGS);
    assert_eq!(derived.tags.last().map(String::as_str), Some("region:us"));
    let long = "x".repeat(10_000);
    let derived =
        model(&format!("---\ntags: [{long}]\n---\n"), &[], &[("config.json", json!({"model_type": long, "architectures": [3]}))]);
    assert_eq!(derived.tags, ["transformers", "region:us"]);
    let card = CardMetadata::default();
    let contents =
        BTreeMap::from([("config.json".to_owned(), b"[".repeat(1_000_000)), ("modules.json".to_owned(), b"\xff".to_vec())]);
    derive(Input { repo_type: RepoType::Model, card: &card, body: "", paths: &[], contents: &contents });
}
