//! The values the Hub's card specification lists: tasks, licences, libraries, sizes, colours, languages.

mod languages;

pub use languages::{LANGUAGES, language_name};

/// A task, as `pipeline_tag` and `task_categories` name it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Task {
    /// The identifier: `text-generation`.
    pub id: &'static str,
    /// The words people read: `Text Generation`.
    pub label: &'static str,
    /// The group it is listed under: `nlp`, `cv`, `multimodal`, `audio`, `tabular`, `rl` or `other`.
    pub group: &'static str,
}

const fn task(id: &'static str, label: &'static str, group: &'static str) -> Task {
    Task { id, label, group }
}

/// Every task, by group, in the Hub's order (`@huggingface/tasks`, `pipelines.ts`).
pub const TASKS: &[Task] = &[
    task("text-classification", "Text Classification", "nlp"),
    task("token-classification", "Token Classification", "nlp"),
    task("table-question-answering", "Table Question Answering", "nlp"),
    task("question-answering", "Question Answering", "nlp"),
    task("zero-shot-classification", "Zero-Shot Classification", "nlp"),
    task("translation", "Translation", "nlp"),
    task("summarization", "Summarization", "nlp"),
    task("feature-extraction", "Feature Extraction", "nlp"),
    task("text-generation", "Text Generation", "nlp"),
    task("fill-mask", "Fill-Mask", "nlp"),
    task("sentence-similarity", "Sentence Similarity", "nlp"),
    task("table-to-text", "Table to Text", "nlp"),
    task("multiple-choice", "Multiple Choice", "nlp"),
    task("text-ranking", "Text Ranking", "nlp"),
    task("text-retrieval", "Text Retrieval", "nlp"),
    task("depth-estimation", "Depth Estimation", "cv"),
    task("image-classification", "Image Classification", "cv"),
    task("object-detection", "Object Detection", "cv"),
    task("image-segmentation", "Image Segmentation", "cv"),
    task("text-to-image", "Text-to-Image", "cv"),
    task("image-to-text", "Image-to-Text", "cv"),
    task("image-to-image", "Image-to-Image", "cv"),
    task("image-to-video", "Image-to-Video", "cv"),
    task("unconditional-image-generation", "Unconditional Image Generation", "cv"),
    task("video-classification", "Video Classification", "cv"),
    task("text-to-video", "Text-to-Video", "cv"),
    task("zero-shot-image-classification", "Zero-Shot Image Classification", "cv"),
    task("mask-generation", "Mask Generation", "cv"),
    task("zero-shot-object-detection", "Zero-Shot Object Detection", "cv"),
    task("text-to-3d", "Text-to-3D", "cv"),
    task("image-to-3d", "Image-to-3D", "cv"),
    task("image-feature-extraction", "Image Feature Extraction", "cv"),
    task("keypoint-detection", "Keypoint Detection", "cv"),
    task("video-to-video", "Video-to-Video", "cv"),
    task("audio-text-to-text", "Audio-Text-to-Text", "multimodal"),
    task("image-text-to-text", "Image-Text-to-Text", "multimodal"),
    task("image-text-to-image", "Image-Text-to-Image", "multimodal"),
    task("image-text-to-video", "Image-Text-to-Video", "multimodal"),
    task("visual-question-answering", "Visual Question Answering", "multimodal"),
    task("document-question-answering", "Document Question Answering", "multimodal"),
    task("video-text-to-text", "Video-Text-to-Text", "multimodal"),
    task("visual-document-retrieval", "Visual Document Retrieval", "multimodal"),
    task("any-to-any", "Any-to-Any", "multimodal"),
    task("text-to-speech", "Text-to-Speech", "audio"),
    task("text-to-audio", "Text-to-Audio", "audio"),
    task("automatic-speech-recognition", "Automatic Speech Recognition", "audio"),
    task("audio-to-audio", "Audio-to-Audio", "audio"),
    task("audio-classification", "Audio Classification", "audio"),
    task("voice-activity-detection", "Voice Activity Detection", "audio"),
    task("tabular-classification", "Tabular Classification", "tabular"),
    task("tabular-regression", "Tabular Regression", "tabular"),
    task("tabular-to-text", "Tabular to Text", "tabular"),
    task("time-series-forecasting", "Time Series Forecasting", "tabular"),
    task("reinforcement-learning", "Reinforcement Learning", "rl"),
    task("robotics", "Robotics", "rl"),
    task("graph-ml", "Graph Machine Learning", "other"),
    task("other", "Other", "other"),
];

/// Tasks that the Hub's clients list no more and cards still name. Each has its page; `conversational` is a tag beside the task.
pub const FORMER_TASKS: &[Task] =
    &[task("text2text-generation", "Text-to-Text Generation", "nlp"), task("conversational", "Conversational", "nlp")];

/// Finds a task, also a former one, by its identifier.
pub fn find_any_task(id: &str) -> Option<Task> {
    TASKS.iter().chain(FORMER_TASKS).copied().find(|task| task.id == id)
}

/// Finds a task by its identifier.
pub fn find_task(id: &str) -> Option<Task> {
    TASKS.iter().copied().find(|task| task.id == id)
}

/// Names that tasks had once or have in libraries, and the task that each means now.
const LEGACY_TASKS: &[(&str, &str)] = &[
    ("graph-machine-learning", "graph-ml"),
    ("sentiment-analysis", "text-classification"),
    ("ner", "token-classification"),
    ("vqa", "visual-question-answering"),
];

/// The task that an older name means: `ner` is `token-classification` now.
pub fn find_legacy_task(name: &str) -> Option<&'static str> {
    LEGACY_TASKS.iter().find(|(old, _)| *old == name).map(|(_, task)| *task)
}

/// Licence identifiers the Hub accepts (its documentation, "Licenses").
pub const LICENSES: &[&str] = &[
    "apache-2.0",
    "mit",
    "openrail",
    "bigscience-openrail-m",
    "creativeml-openrail-m",
    "bigscience-bloom-rail-1.0",
    "bigcode-openrail-m",
    "afl-3.0",
    "artistic-2.0",
    "bsl-1.0",
    "bsd",
    "bsd-2-clause",
    "bsd-3-clause",
    "bsd-3-clause-clear",
    "c-uda",
    "cc",
    "cc0-1.0",
    "cc-by-2.0",
    "cc-by-2.5",
    "cc-by-3.0",
    "cc-by-4.0",
    "cc-by-sa-3.0",
    "cc-by-sa-4.0",
    "cc-by-nc-2.0",
    "cc-by-nc-3.0",
    "cc-by-nc-4.0",
    "cc-by-nd-4.0",
    "cc-by-nc-nd-3.0",
    "cc-by-nc-nd-4.0",
    "cc-by-nc-sa-2.0",
    "cc-by-nc-sa-3.0",
    "cc-by-nc-sa-4.0",
    "cdla-sharing-1.0",
    "cdla-permissive-1.0",
    "cdla-permissive-2.0",
    "wtfpl",
    "ecl-2.0",
    "epl-1.0",
    "epl-2.0",
    "etalab-2.0",
    "eupl-1.1",
    "eupl-1.2",
    "agpl-3.0",
    "gfdl",
    "gpl",
    "gpl-2.0",
    "gpl-3.0",
    "lgpl",
    "lgpl-2.1",
    "lgpl-3.0",
    "isc",
    "h-research",
    "intel-research",
    "lppl-1.3c",
    "ms-pl",
    "apple-ascl",
    "apple-amlr",
    "mpl-2.0",
    "odc-by",
    "odbl",
    "open-mdw",
    "openmdw-1.0",
    "openrail++",
    "osl-3.0",
    "postgresql",
    "ofl-1.1",
    "ncsa",
    "unlicense",
    "zlib",
    "pddl",
    "lgpl-lr",
    "deepfloyd-if-license",
    "fair-noncommercial-research-license",
    "llama2",
    "llama3",
    "llama3.1",
    "llama3.2",
    "llama3.3",
    "llama4",
    "grok2-community",
    "gemma",
    "ntt-license",
    "unknown",
    "other",
];

/// The row-count buckets of `size_categories`.
pub const SIZE_CATEGORIES: &[&str] = &[
    "n<1K",
    "1K<n<10K",
    "10K<n<100K",
    "100K<n<1M",
    "1M<n<10M",
    "10M<n<100M",
    "100M<n<1B",
    "1B<n<10B",
    "10B<n<100B",
    "100B<n<1T",
    "n>1T",
];

/// The colours of a Space's card, `colorFrom` and `colorTo`.
pub const COLORS: &[&str] = &["red", "yellow", "green", "blue", "indigo", "purple", "pink", "gray"];

/// The kinds of Space.
pub const SDKS: &[&str] = &["gradio", "docker", "static", "streamlit"];

/// Libraries that load, make or keep datasets, by identifier and label (`@huggingface/tasks`, `dataset-libraries.ts`).
pub const DATASET_LIBRARIES: &[(&str, &str)] = &[
    ("mlcroissant", "Croissant"),
    ("webdataset", "WebDataset"),
    ("datasets", "Datasets"),
    ("pandas", "pandas"),
    ("dask", "Dask"),
    ("distilabel", "Distilabel"),
    ("fiftyone", "FiftyOne"),
    ("lance", "Lance"),
    ("argilla", "Argilla"),
    ("polars", "Polars"),
    ("duckdb", "DuckDB"),
    ("datadesigner", "NeMo Data Designer"),
    ("harbor", "Harbor"),
    ("verifiers", "Verifiers"),
    ("openenv", "OpenEnv"),
    ("nemo-gym", "NeMo Gym"),
];

/// Libraries by identifier and label, the ones people filter by (`@huggingface/tasks`, `model-libraries.ts`).
pub const LIBRARIES: &[(&str, &str)] = &[
    ("transformers", "Transformers"),
    ("diffusers", "Diffusers"),
    ("sentence-transformers", "sentence-transformers"),
    ("peft", "PEFT"),
    ("gguf", "GGUF"),
    ("safetensors", "Safetensors"),
    ("pytorch", "PyTorch"),
    ("tf", "TensorFlow"),
    ("jax", "JAX"),
    ("onnx", "ONNX"),
    ("openvino", "OpenVINO"),
    ("tensorboard", "TensorBoard"),
    ("transformers.js", "Transformers.js"),
    ("mlx", "MLX"),
    ("timm", "timm"),
    ("keras", "Keras"),
    ("tf-keras", "TF-Keras"),
    ("keras-hub", "KerasHub"),
    ("spacy", "spaCy"),
    ("sklearn", "Scikit-learn"),
    ("stable-baselines3", "stable-baselines3"),
    ("ml-agents", "ml-agents"),
    ("setfit", "SetFit"),
    ("adapter-transformers", "Adapters"),
    ("nemo", "NeMo"),
    ("espnet", "ESPnet"),
    ("speechbrain", "speechbrain"),
    ("pyannote-audio", "pyannote.audio"),
    ("flair", "Flair"),
    ("fasttext", "fastText"),
    ("fastai", "fastai"),
    ("open_clip", "OpenCLIP"),
    ("bertopic", "BERTopic"),
    ("stanza", "Stanza"),
    ("span-marker", "SpanMarker"),
    ("allennlp", "AllenNLP"),
    ("asteroid", "Asteroid"),
    ("paddlenlp", "paddlenlp"),
    ("PaddleOCR", "PaddleOCR"),
    ("coreml", "Core ML"),
    ("tflite", "TF Lite"),
    ("rust", "Rust"),
    ("joblib", "Joblib"),
    ("lerobot", "LeRobot"),
    ("unity-sentis", "unity-sentis"),
    ("ultralytics", "ultralytics"),
    ("vllm", "vLLM"),
    ("ctranslate2", "CTranslate2"),
    ("model2vec", "Model2Vec"),
    ("gliner", "GLiNER"),
];

/// How `base_model_relation` may be answered.
pub const BASE_MODEL_RELATIONS: &[&str] = &["adapter", "merge", "quantized", "finetune"];
